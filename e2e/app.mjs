// A third-party app on another port: what comes back to it, and what it does with its token.
import { createServer } from "node:http";

export const thirdParty = async (port = 3000) => {
  const came = [];
  const server = createServer((request, response) => {
    came.push(new URL(request.url, `http://localhost:${port}`));
    response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html><html lang=en><title>App</title><link rel=icon href=data:,><h1>Back in the app</h1>");
  });
  await new Promise((ready, failed) => server.listen(port, "127.0.0.1", ready).on("error", failed));
  return { came, stop: () => server.close() };
};

export const api = async (origin, path, token, body) => {
  const response = await fetch(`${origin}/gate/lab/api/${path}`, {
    method: body ? "POST" : "GET",
    headers: { Authorization: `Bearer ${token}`, ...(body && { "Content-Type": body instanceof URLSearchParams ? "application/x-www-form-urlencoded" : "application/json" }) },
    body: body instanceof URLSearchParams ? body : body && JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
};
