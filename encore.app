{
  "id": "",
  "lang": "typescript",
  "global_cors": {
    "allow_headers": ["*"],
    "expose_headers": ["WWW-Authenticate", "Mcp-Session-Id"],
    "allow_origins_without_credentials": ["*"],
    "allow_origins_with_credentials": [
      "https://chatgpt.com",
      "https://claude.ai",
      "http://localhost",
      "http://localhost:*",
      "https://localhost",
      "https://localhost:*",
      "http://127.0.0.1",
      "http://127.0.0.1:*",
      "https://127.0.0.1",
      "https://127.0.0.1:*",
      "http://[::1]",
      "http://[::1]:*",
      "https://[::1]",
      "https://[::1]:*"
    ]
  }
}
