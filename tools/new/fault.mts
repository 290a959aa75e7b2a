/** Why nothing was written, and what to do. */
export class NewFault extends Error {
  override readonly name = "NewFault";
}
