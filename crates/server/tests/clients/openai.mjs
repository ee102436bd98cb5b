// The official OpenAI client for JavaScript against /v1.
import assert from 'node:assert/strict'
import OpenAI from 'openai'

const client = new OpenAI({ baseURL: `${process.env.ORIGIN}/v1`, apiKey: process.env.TOKEN, maxRetries: 0 })
const messages = [{ role: 'user', content: 'Hi there' }]
const model = 'secondme/nano'

const whole = await client.chat.completions.create({ model, messages })
assert.equal(whole.choices[0].message.content, 'You said: Hi there')
let said = ''
let usage
for await (const chunk of await client.chat.completions.create({ model, messages, stream: true, stream_options: { include_usage: true } })) {
  said += chunk.choices[0]?.delta?.content ?? ''
  usage = chunk.usage ?? usage
}
assert.equal(said, 'You said: Hi there')
assert(usage.completion_tokens > 0)

const schema = { type: 'object', properties: { fits: { type: 'boolean' } }, required: ['fits'], additionalProperties: false }
const judged = await client.chat.completions.parse({
  model, messages, response_format: { type: 'json_schema', json_schema: { name: 'verdict', strict: true, schema } },
})
assert.equal(typeof JSON.parse(judged.choices[0].message.content).fits, 'boolean')

const models = []
for await (const one of client.models.list()) models.push(one.id)
assert.deepEqual(models.slice(0, 2), ['secondme/nano', 'secondme/pro'])
assert.equal((await client.models.retrieve(model)).id, model)
const vectors = await client.embeddings.create({ model: models[2], input: ['bees', 'keys'] })
assert(vectors.data.length === 2 && vectors.data[0].embedding.length > 1 && typeof vectors.data[0].embedding[0] === 'number')

assert.equal(models[3], 'secondme/voice')
const spoken = await client.audio.speech.create({ model: models[3], voice: 'alloy', input: 'Hello from Lisbon.', response_format: 'mp3' })
assert.equal(spoken.headers.get('content-type'), 'audio/mpeg')
const sound = Buffer.from(await spoken.arrayBuffer())
assert(sound.length > 1_000 && sound[0] === 0xff && (sound[1] & 0xe0) === 0xe0)
await assert.rejects(client.audio.speech.create({ model: models[3], voice: 'alloy', input: ' ' }), OpenAI.BadRequestError)

await assert.rejects(client.chat.completions.create({ model: 'gpt-4o', messages }), OpenAI.NotFoundError)
const stranger = new OpenAI({ baseURL: `${process.env.ORIGIN}/v1`, apiKey: 'lba_at_nobody', maxRetries: 0 })
await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError)
console.log('done')
