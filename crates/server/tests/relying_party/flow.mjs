// A relying party that knows this server by its metadata only: code + PKCE, refresh, introspect, revoke, all through oauth4webapi.
// It prints the address to open in a browser, and reads from standard input where the browser was sent.
import assert from 'node:assert/strict'
import readline from 'node:readline/promises'
import * as oauth from 'oauth4webapi'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, REDIRECT_URI } = process.env
const http = { [oauth.allowInsecureRequests]: true }
const issuer = new URL(ISSUER)
const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...http })
const as = await oauth.processDiscoveryResponse(issuer, found)
const client = { client_id: CLIENT_ID }
const auth = CLIENT_SECRET ? oauth.ClientSecretBasic(CLIENT_SECRET) : oauth.None()

const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()]
const authorize = new URL(as.authorization_endpoint)
authorize.search = new URLSearchParams({
  client_id: CLIENT_ID, redirect_uri: REDIRECT_URI, response_type: 'code', scope: 'userinfo chat.write', state,
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
})
console.log(authorize.pathname + authorize.search)
const callback = await readline.createInterface({ input: process.stdin }).question('')

assert(as.authorization_response_iss_parameter_supported)
const answer = oauth.validateAuthResponse(as, client, new URL(callback), state)
const exchanged = await oauth.authorizationCodeGrantRequest(as, client, auth, answer, REDIRECT_URI, verifier, http)
const tokens = await oauth.processAuthorizationCodeResponse(as, client, exchanged)
assert.equal(tokens.scope, 'userinfo chat.write')

const use = async (token) => {
  const url = new URL('/gate/lab/api/secondme/user/info', issuer)
  try {
    return (await oauth.protectedResourceRequest(token, 'GET', url, undefined, undefined, http)).status
  } catch (error) {
    return error.status
  }
}
assert.equal(await use(tokens.access_token), 200)

const refresh = async (token) =>
  oauth.processRefreshTokenResponse(as, client, await oauth.refreshTokenGrantRequest(as, client, auth, token, http))
const fresh = await refresh(tokens.refresh_token)
assert.equal(await use(fresh.access_token), 200)
assert.equal(fresh.refresh_token === tokens.refresh_token, Boolean(CLIENT_SECRET), 'rotated for public clients only')

const introspect = async (token) =>
  oauth.processIntrospectionResponse(as, client, await oauth.introspectionRequest(as, client, auth, token, http))
if (CLIENT_SECRET) {
  const known = await introspect(fresh.access_token)
  assert(known.active && known.client_id === CLIENT_ID && known.sub.startsWith('asu_') && known.exp > known.iat)
}
await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, fresh.refresh_token, http))
assert.equal(await use(fresh.access_token), 401)
if (CLIENT_SECRET) assert.equal((await introspect(fresh.access_token)).active, false)
await assert.rejects(refresh(fresh.refresh_token), (error) => error.error === 'invalid_grant')
console.log('done')
process.exit(0)
