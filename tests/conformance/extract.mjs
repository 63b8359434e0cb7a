// Extract with a client of the TypeScript SDK, and print what was seen as JSON.
//
// Usage: node extract.mjs WANTED, with WANTED as JSON: {"sdk": 1 | 2, "command", "args", "env"} for a server that is
// started, {"sdk", "url", "token"} for one that runs, and in both "arguments" of extract_knowledge.
// Both clients check the structured content against the schema that the tool publishes.

const wanted = JSON.parse(process.argv[2]);
const { Client, StdioClientTransport, StreamableHTTPClientTransport } = await sdk(wanted.sdk);
const client = new Client(
  { name: "conformance", version: "1" },
  { capabilities: {}, ...(wanted.sdk === 2 && { versionNegotiation: { mode: "auto" } }) },
);
const transport = wanted.url
  ? new StreamableHTTPClientTransport(new URL(wanted.url), {
      requestInit: { headers: { Authorization: `Bearer ${wanted.token}` } },
    })
  : new StdioClientTransport({ command: wanted.command, args: wanted.args, env: wanted.env, stderr: "inherit" });
let revision;
if (wanted.sdk === 1) {
  // This client tells the revision to its transport and to nobody else.
  const told = transport.setProtocolVersion?.bind(transport);
  transport.setProtocolVersion = (agreed) => {
    revision = agreed;
    told?.(agreed);
  };
}
await client.connect(transport);
try {
  const { tools } = await client.listTools();
  const progress = [];
  const options = { timeout: 60_000, resetTimeoutOnProgress: true, onprogress: (news) => progress.push(news) };
  const call = { name: "extract_knowledge", arguments: wanted.arguments };
  const answer = wanted.sdk === 1 ? await client.callTool(call, undefined, options) : await client.callTool(call, options);
  const tool = tools.find((one) => one.name === "extract_knowledge");
  console.log(
    JSON.stringify({
      revision: revision ?? client.getNegotiatedProtocolVersion(),
      tools: tools.map((one) => one.name),
      schema: tool.outputSchema,
      progress,
      answer,
    }),
  );
} finally {
  await client.close();
}

async function sdk(version) {
  const modules =
    version === 1
      ? ["sdk/client/index.js", "sdk/client/stdio.js", "sdk/client/streamableHttp.js"]
      : ["client", "client/stdio"];
  const loaded = await Promise.all(modules.map((name) => import(`@modelcontextprotocol/${name}`)));
  return Object.assign({}, ...loaded);
}
