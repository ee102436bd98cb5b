// A typed client for TypeScript, generated from /openapi.json (openapi-typescript, openapi-fetch), in the demo world.
import createClient from 'openapi-fetch'
import type { components, paths } from './api.js'

type Schemas = components['schemas']
// Node's, without the types of Node.
declare const process: { env: Record<string, string | undefined> }

const baseUrl = process.env['ORIGIN']
const token = process.env['TOKEN']
const as = (key: string | undefined) => createClient<paths>({ baseUrl: baseUrl ?? '', headers: { Authorization: `Bearer ${key}` } })
const client = as(token)

function must<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(what)
  return value
}
function same(got: unknown, expected: unknown): void {
  if (JSON.stringify(got) !== JSON.stringify(expected)) throw new Error(`${JSON.stringify(got)} is not ${JSON.stringify(expected)}`)
}

const me: Schemas['UserInfo'] = must((await client.GET('/gate/lab/api/secondme/user/info')).data, 'no profile').data
same([me.userId, me.name, typeof me.profileCompleteness], ['1', 'Ada', 'number'])

const content = `The typed hive stands by the fig tree (${Math.random()})`
const added = must((await client.POST('/gate/lab/api/secondme/note/add', { body: { title: 'TypeScript', content } })).data, 'no note').data
const query = { keyword: 'typed hive TypeScript', pageSize: 5 }
const found = must((await client.GET('/gate/lab/api/secondme/note/search', { params: { query } })).data, 'nothing found').data
same(found.list.some((note) => note.id === added.noteId), true)
const path = { noteId: added.noteId }
same((await client.POST('/gate/lab/api/secondme/note/{noteId}/update', { params: { path }, body: { title: 'Changed' } })).data?.code, 0)

must((await client.POST('/gate/lab/api/secondme/memory/key', { body: { content: 'Typed clients are made in CI' } })).data, 'no memory')
const memories = must((await client.GET('/gate/lab/api/secondme/memory/key/search', { params: { query: { keyword: 'typed' } } })).data, 'none').data
same(memories.list.length > 0 && memories.total > 0, true)

const chat = await client.POST('/gate/lab/api/secondme/chat/stream', { body: { message: 'Hello' }, parseAs: 'stream' })
const text = await new Response(must(chat.data, 'no answer')).text()
const events = text.split('\n\n').filter((event) => event.startsWith('data: {'))
const said = events.map((event) => JSON.parse(event.slice(6)).choices[0].delta.content).join('')
same([said, text.endsWith('data: [DONE]\n\n')], ['You said: Hello', true])
const sessions = must((await client.GET('/gate/lab/api/secondme/chat/session/list')).data, 'no sessions').data.sessions
same(sessions.length > 0, true)

const reference = { object_type: 'thread', object_id: content, content_preview: 'About bees' }
const event = { channel: { kind: 'forum' }, action: 'post_created', refs: [reference] }
const receipt = must((await client.POST('/gate/lab/api/secondme/agent_memory/ingest', { body: event })).data, 'no receipt').data
same(!Array.isArray(receipt) && receipt.isDuplicate, false)

// Failures have a type, too.
const empty = await client.POST('/gate/lab/api/secondme/note/add', { body: {} })
const failure: Schemas['Failure'] = must(empty.error, 'an empty note was taken')
same([empty.response.status, failure.code, failure.subCode], [400, 400, 'note.content.required'])
same((await as('lba_at_nobody').GET('/gate/lab/api/secondme/user/info')).error?.subCode, 'auth.token.invalid')
console.log('done')
