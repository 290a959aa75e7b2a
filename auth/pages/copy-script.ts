/**
 * The one script of all pages: shows the copy buttons of the setup page and makes them work. Without it the buttons
 * stay hidden and a click selects a whole value. The clipboard needs https or loopback; elsewhere the value is selected.
 */
export const COPY_SCRIPT = `
const status = document.querySelector("[data-copy-status]");
for (const button of document.querySelectorAll("[data-copy]")) {
  const value = button.previousElementSibling;
  const word = button.firstElementChild;
  let timer;
  button.hidden = false;
  button.addEventListener("click", async () => {
    let done = "Copied";
    try {
      await navigator.clipboard.writeText(value.textContent);
    } catch {
      getSelection().selectAllChildren(value);
      done = "Selected";
    }
    word.textContent = done;
    status.textContent = done;
    clearTimeout(timer);
    timer = setTimeout(() => { word.textContent = "Copy"; status.textContent = ""; }, 2000);
  });
}
`;
