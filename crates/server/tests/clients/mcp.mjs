// The official MCP SDK as a client that knows nothing but the server's address: it registers itself, logs in by OAuth, and uses the
// tools. It prints the address to open in a browser, and reads from standard input where the browser was sent.
import assert from 'node:assert/strict'
import readline from 'node:readline/promises'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'

const url = new URL('/mcp', process.env.ORIGIN)
const kept = {}
const provider = {
  redirectUrl: 'http://127.0.0.1:7/cb',
  clientMetadata: {
    client_name: 'Official SDK', redirect_uris: ['http://127.0.0.1:7/cb'], token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'],
  },
  clientInformation: () => kept.client,
  saveClientInformation: (client) => { kept.client = client },
  tokens: () => kept.tokens,
  saveTokens: (tokens) => { kept.tokens = tokens },
  saveCodeVerifier: (verifier) => { kept.verifier = verifier },
  codeVerifier: () => kept.verifier,
  redirectToAuthorization: (to) => { kept.authorize = to },
}
const connect = async () => {
  const transport = new StreamableHTTPClientTransport(url, { authProvider: provider })
  const client = new Client({ name: 'test', version: '1.0.0' })
  await client.connect(transport)
  return client
}
const first = new StreamableHTTPClientTransport(url, { authProvider: provider })
await assert.rejects(new Client({ name: 'test', version: '1.0.0' }).connect(first), UnauthorizedError)
assert.equal(kept.authorize.searchParams.get('resource'), url.href)
console.log(kept.authorize.pathname + kept.authorize.search)
const callback = new URL(await readline.createInterface({ input: process.stdin }).question(''))
await first.finishAuth(callback.searchParams.get('code'))

const client = await connect()
const { tools } = await client.listTools()
assert.deepEqual(tools.map((tool) => tool.name),
  ['get_profile', 'search_memory', 'add_note', 'report_event', 'chat', 'act', 'day_overview'])
const call = async (name, args) => (await client.callTool({ name, arguments: args })).structuredContent
const note = await call('add_note', { content: 'The spare key lies under the blue pot.' })
const found = await call('search_memory', { query: 'Where is the spare key?' })
assert(found.memories.some((memory) => memory.text.includes('blue pot')))
const read = await client.readResource({ uri: note.uri })
assert(read.contents[0].text.includes('blue pot'))
assert.equal((await call('chat', { message: 'Hello' })).answer, 'You said: Hello')
await client.close()
console.log('done')
process.exit(0)
