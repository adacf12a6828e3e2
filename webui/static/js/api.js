// Requests to our own server, with the CSRF token and errors that carry words for the user.
export const token = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

export class Refused extends Error {
  constructor(message, code, status) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

async function send(url, options, deadline) {
  let response;
  try {
    response = await fetch(url, { ...options, credentials: "same-origin", signal: AbortSignal.timeout(deadline) });
  } catch (error) {
    throw new Refused("", "network", 0, { cause: error });
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok || body.ok === false) throw new Refused(body.message ?? "", body.error ?? "http", response.status);
  return body;
}

/** POST `data` as JSON; the parsed reply. Throws `Refused`. */
export function post(url, data, deadline = 8000) {
  const headers = { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token() };
  return send(url, { method: "POST", headers, body: JSON.stringify(data) }, deadline);
}

/** GET JSON. Throws `Refused`. */
export function get(url, deadline = 8000) {
  return send(url, { headers: { Accept: "application/json" } }, deadline);
}
