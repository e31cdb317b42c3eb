// Why a websocket could not be opened.

/**
 * A page is not told the status of a refused websocket, but the same address tells it to a fetch.
 *
 * @returns {code, message, final}; final where trying again is useless
 */
export async function refusal(url, token) {
  const address = new URL(url);
  address.protocol = address.protocol.replace("ws", "http");
  const headers = token ? { Authorization: `Bearer ${token}` } : {};
  let status;
  try {
    ({ status } = await fetch(address, { headers, cache: "no-store" }));
  } catch {
    return { code: "unreachable", message: "The server cannot be reached. Is it running?", final: false };
  }
  switch (status) {
    case 401:
      return { code: "token", message: "The server refused the token.", final: true };
    case 403:
      return { code: "forbidden", message: "The server does not take connections from this page's address.", final: true };
    case 404:
      return { code: "gone", message: "There is no such session here.", final: true };
    case 503:
      return { code: "full", message: "The server is full and takes no more sessions just now. Try again in a moment.", final: false };
  }
  return { code: "broken", message: "The connection could not be made. A proxy may not let websockets through.", final: false };
}
