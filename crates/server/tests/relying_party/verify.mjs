// Verifies a delivery with the reference library of Standard Webhooks: {"secret", "headers", "body"} from standard input.
import { readFileSync } from 'node:fs'
import { Webhook } from 'standardwebhooks'

const { secret, headers, body } = JSON.parse(readFileSync(0, 'utf8'))
const payload = new Webhook(secret).verify(body, headers)
let forged = false
try {
  new Webhook(secret).verify(body.replace('asu_', 'asu-'), headers)
  forged = true
} catch {}
if (forged) throw new Error('a changed body verified')
console.log(payload.eventId)
