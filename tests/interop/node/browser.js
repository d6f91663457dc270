// A page of another origin, in jsdom, which applies CORS as browsers do: what it may read of Tokenmint, by default and
// where CORS_ORIGINS names its origin.

import assert from 'node:assert/strict'
import { JSDOM, VirtualConsole } from 'jsdom'
import * as oauth from 'oauth4webapi'
import { check, register, setting } from './helper/check.js'

const server = setting('SERVER')
// CORS_ORIGINS of this one is https://app.example.
const corsServer = setting('CORS_SERVER')
const documents = ['jwks.json', 'oauth-authorization-server', 'openid-configuration']

/** Opens an empty page of the origin, and returns a function that sends a request from there. */
function page(origin) {
  // Refused requests are reported to the console of the page.
  const { window } = new JSDOM('', { url: `${origin}/`, virtualConsole: new VirtualConsole() })
  return (method, url, { headers = {}, body } = {}) =>
    new Promise((resolve, reject) => {
      const request = new window.XMLHttpRequest()
      request.open(method, url)
      for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value)
      request.onload = () => {
        const lines = request.getAllResponseHeaders().trim().split('\r\n')
        const headers = lines.map((line) => line.split(/: (.*)/s, 2))
        resolve({ status: request.status, text: request.responseText, headers })
      }
      request.onerror = () => reject(new Error('blocked by CORS'))
      request.send(body)
    })
}

const app = page('https://app.example')
const other = page('https://other.example')
const blocked = { message: 'blocked by CORS' }

const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
const basic = ({ client_id: id, client_secret: secret }) => ({ Authorization: `Basic ${btoa(`${id}:${secret}`)}` })
const grant = 'grant_type=client_credentials&scope=read'

for (const name of documents) {
  const url = `${server}/.well-known/${name}`
  const document = await (await fetch(url)).json()

  await check(`any page reads ${name}`, async () => {
    const answer = await app('GET', url)
    assert.equal(answer.status, 200)
    assert.deepEqual(JSON.parse(answer.text), document)
  })
  await check(`any page reads ${name} with a header that needs a preflight`, async () => {
    const answer = await other('GET', url, { headers: { 'MCP-Protocol-Version': '2025-11-25' } })
    assert.deepEqual(JSON.parse(answer.text), document)
  })
  await check(`${name} is not sent again if its ETag matches`, async () => {
    const etag = (await fetch(url)).headers.get('etag')
    const again = (value) => fetch(url, { headers: { 'If-None-Match': value } })
    assert.equal((await again(etag)).status, 304)
    assert.equal(await (await again(etag)).text(), '')
    assert.equal((await again('"another"')).status, 200)
  })
}

await check('by default no page uses the other endpoints', async () => {
  const client = await register(server, { scope: 'read' })
  const headers = { ...form, ...basic(client) }
  await assert.rejects(app('POST', `${server}/token`, { headers, body: grant }), blocked)
  // Without a header of its own the request needs no preflight; the page still cannot read the answer.
  const body = `${grant}&client_id=${client.client_id}&client_secret=${client.client_secret}`
  await assert.rejects(app('POST', `${server}/token`, { headers: form, body }), blocked)
  const registration = { headers: { 'Content-Type': 'application/json' }, body: '{}' }
  await assert.rejects(app('POST', `${server}/register`, registration), blocked)
})

await check('a page of CORS_ORIGINS registers, gets a token, introspects and revokes it', async () => {
  const send = async (path, options) => {
    const answer = await app('POST', `${corsServer}${path}`, options)
    return [answer.status, JSON.parse(answer.text)]
  }
  const json = { headers: { 'Content-Type': 'application/json' }, body: '{"scope":"read"}' }
  const [created, client] = await send('/register', json)
  assert.equal(created, 201)
  const headers = { ...form, ...basic(client) }
  const [status, { access_token: token }] = await send('/token', { headers, body: grant })
  assert.equal(status, 200)
  const [, { active, client_id: id }] = await send('/introspect', { headers, body: `token=${token}` })
  assert.deepEqual([active, id], [true, client.client_id])
  assert.deepEqual((await send('/revoke', { headers, body: `token=${token}` }))[0], 200)
  assert.deepEqual(await send('/introspect', { headers, body: `token=${token}` }), [200, { active: false }])
})

const client = await register(corsServer, { scope: 'read' })

await check('a page of CORS_ORIGINS reads its registration and deletes it', async () => {
  const registered = await register(corsServer, {})
  const headers = { Authorization: `Bearer ${registered.registration_access_token}` }
  const read = await app('GET', registered.registration_client_uri, { headers })
  assert.equal(JSON.parse(read.text).client_id, registered.client_id)
  assert.equal((await app('DELETE', registered.registration_client_uri, { headers })).status, 204)
  assert.equal((await app('GET', registered.registration_client_uri, { headers })).status, 401)
})

await check('a page of CORS_ORIGINS reads why it was refused', async () => {
  const headers = { ...form, ...basic({ ...client, client_secret: 'wrong' }) }
  const answer = await app('POST', `${corsServer}/token`, { headers, body: grant })
  assert.equal(answer.status, 401)
  assert.equal(JSON.parse(answer.text).error, 'invalid_client')
})

await check('oauth4webapi in a page of CORS_ORIGINS: discovery, registration, and DPoP with the nonce', async () => {
  // fetch() in terms of what jsdom has; the page sees only the headers that CORS lets it see.
  const pageFetch = async (url, { method, headers: { 'user-agent': _, ...headers }, body }) => {
    // (The library names itself only where it is not in a browser.)
    const { status, text, headers: seen } = await app(method, url, { headers, body: body?.toString() })
    return new Response(status === 204 ? null : text, { status, headers: seen })
  }
  const options = { [oauth.customFetch]: pageFetch, [oauth.allowInsecureRequests]: true }
  const issuer = new URL(corsServer)
  const discovery = await oauth.discoveryRequest(issuer, { ...options, algorithm: 'oauth2' })
  const as = await oauth.processDiscoveryResponse(issuer, discovery)
  const registration = await oauth.dynamicClientRegistrationRequest(as, { dpop_bound_access_tokens: true }, options)
  const registered = await oauth.processDynamicClientRegistrationResponse(registration)
  const DPoP = oauth.DPoP(registered, await oauth.generateKeyPair('ES256'))
  const authentication = oauth.ClientSecretBasic(registered.client_secret)
  const request = async () => {
    const response = await oauth.clientCredentialsGrantRequest(as, registered, authentication, {}, { ...options, DPoP })
    return oauth.processClientCredentialsResponse(as, registered, response)
  }
  await assert.rejects(request(), (error) => oauth.isDPoPNonceError(error))
  assert.equal((await request()).token_type, 'dpop')
})

await check('a page of another origin uses none of these', async () => {
  const headers = { ...form, ...basic(client) }
  await assert.rejects(other('POST', `${corsServer}/token`, { headers, body: grant }), blocked)
  const body = `${grant}&client_id=${client.client_id}&client_secret=${client.client_secret}`
  await assert.rejects(other('POST', `${corsServer}/token`, { headers: form, body }), blocked)
})
