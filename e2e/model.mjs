// The far end of the network: an OpenAI-compatible server that answers at once, piece by piece. Asked for JSON, it remembers the last line
// of the owner, as a model that follows its instructions would.
import { createServer } from "node:http";

const remembered = (messages) => {
  const lines = messages.at(-1).content.split("\n").filter((line) => /^\[\d+\] /.test(line) && !/^\[\d+\] Avatar:/.test(line));
  const memories = lines.map((line) => {
    const [, number, , text] = /^\[(\d+)\] ([^:]*): (.*)$/.exec(line);
    return { from: [Number(number)], content: text, kind: "FACT", actor: "", object: "life", replaces: [], since: "", sure: 90 };
  });
  return JSON.stringify({ memories });
};

const answer = ({ messages, response_format: format }) => {
  if (format) return messages[0].content.includes("portrait") ? "{}" : remembered(messages);
  const asked = messages.findLast((m) => m.role === "user").content;
  return `You said: “${String(asked).slice(-60)}”.\n\n- **One** thing\n- another thing`;
};

export const model = async () => {
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    if (!request.url.endsWith("/chat/completions")) return response.writeHead(404).end();
    const asked = JSON.parse(body);
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    for (const piece of answer(asked).match(/.{1,12}/gs)) {
      response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: piece } }] })}\n\n`);
      await new Promise((next) => setTimeout(next, 5));
    }
    response.write(`data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage: { prompt_tokens: 1, completion_tokens: 1 } })}\n\n`);
    response.end("data: [DONE]\n\n");
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return { url: `http://127.0.0.1:${server.address().port}/v1`, stop: () => server.close() };
};
