// oauth4webapi: discovery, registration, every way of client authentication, DPoP, resources, introspection,
// revocation, and the verification of a token at a resource server.

import assert from 'node:assert/strict'
import * as jose from 'jose'
import * as oauth from 'oauth4webapi'
import { check, damaged, setting } from './helper/check.js'

const issuer = new URL(setting('SERVER'))
// The only exception: plain HTTP, on loopback.
const insecure = { [oauth.allowInsecureRequests]: true }
const resource = 'https://api.example/v1'

async function discover(issuer) {
  const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
  return oauth.processDiscoveryResponse(issuer, response)
}

async function register(as, metadata, options = {}) {
  const response = await oauth.dynamicClientRegistrationRequest(as, metadata, { ...options, ...insecure })
  return oauth.processDynamicClientRegistrationResponse(response)
}

async function token(as, client, authentication, parameters = {}, options = {}) {
  const request = () =>
    oauth.clientCredentialsGrantRequest(as, client, authentication, parameters, { ...options, ...insecure })
  try {
    return await oauth.processClientCredentialsResponse(as, client, await request())
  } catch (error) {
    // The DPoP handle has taken the nonce from the response.
    if (!oauth.isDPoPNonceError(error)) throw error
    return oauth.processClientCredentialsResponse(as, client, await request())
  }
}

async function introspect(as, client, authentication, token) {
  const response = await oauth.introspectionRequest(as, client, authentication, token, insecure)
  return oauth.processIntrospectionResponse(as, client, response)
}

/** What a resource server does with a request that carries the token. */
function validate(as, accessToken, audience, { scheme = 'Bearer', proof } = {}) {
  const headers = { Authorization: `${scheme} ${accessToken}`, ...(proof && { DPoP: proof }) }
  return oauth.validateJwtAccessToken(as, new Request(`${resource}/things`, { headers }), audience, insecure)
}

const invalidClient = (error) => {
  assert.equal(error.code, oauth.WWW_AUTHENTICATE_CHALLENGE)
  assert.equal(error.status, 401)
  return true
}

const as = await discover(issuer)

await check('discovery by RFC 8414', () => {
  assert.equal(as.issuer, setting('SERVER'))
  assert.equal(as.token_endpoint, `${as.issuer}/token`)
  assert.deepEqual(as.grant_types_supported, ['client_credentials'])
})

await check('discovery by the name of OpenID Connect', async () => {
  const response = await oauth.discoveryRequest(issuer, { algorithm: 'oidc', ...insecure })
  assert.deepEqual(await oauth.processDiscoveryResponse(issuer, response), as)
})

await check('a registration without a method uses either secret method', async () => {
  const client = await register(as, { client_name: 'oauth4webapi' })
  assert.equal(client.token_endpoint_auth_method, 'client_secret_basic')
  for (const method of [oauth.ClientSecretBasic, oauth.ClientSecretPost]) {
    const answer = await token(as, client, method(client.client_secret), { scope: 'read' })
    assert.equal(answer.scope, 'read')
  }
})

for (const [name, method, other] of [
  ['client_secret_basic', oauth.ClientSecretBasic, oauth.ClientSecretPost],
  ['client_secret_post', oauth.ClientSecretPost, oauth.ClientSecretBasic],
]) {
  const client = await register(as, { token_endpoint_auth_method: name, scope: 'read' })

  await check(`${name}: a token that validateJwtAccessToken accepts`, async () => {
    const answer = await token(as, client, method(client.client_secret), { scope: 'read', resource })
    assert.equal(answer.token_type, 'bearer')
    const claims = await validate(as, answer.access_token, resource)
    assert.equal(claims.client_id, client.client_id)
    assert.equal(claims.sub, client.client_id)
    assert.equal(claims.scope, 'read')
  })
  await check(`${name}: a wrong secret is refused`, () =>
    assert.rejects(token(as, client, method('wrong')), invalidClient))
  await check(`${name}: the other method is refused`, () =>
    assert.rejects(token(as, client, other(client.client_secret)), invalidClient))
}

for (const alg of ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519']) {
  await check(`private_key_jwt with ${alg}`, async () => {
    const keys = await jose.generateKeyPair(alg, { extractable: true })
    const jwk = { ...(await jose.exportJWK(keys.publicKey)), alg, use: 'sig', kid: alg }
    const client = await register(as, {
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: alg,
      jwks: { keys: [jwk] },
      scope: 'read',
    })
    assert.equal(client.client_secret, undefined)
    const authentication = oauth.PrivateKeyJwt({ key: keys.privateKey, kid: alg }, {
      // The library itself signs with Ed25519 for such a key.
      [oauth.modifyAssertion]: (header) => {
        assert(header.alg === alg || alg === 'EdDSA', header.alg)
      },
    })
    const answer = await token(as, client, authentication, { resource })
    assert.equal((await validate(as, answer.access_token, resource)).client_id, client.client_id)

    const others = await jose.generateKeyPair(alg)
    await assert.rejects(
      token(as, client, oauth.PrivateKeyJwt({ key: others.privateKey, kid: alg })), invalidClient)
  })
}

for (const alg of ['ES256', 'RS256', 'PS256', 'Ed25519']) {
  await check(`DPoP with ${alg} and a nonce`, async () => {
    const client = await register(as, { dpop_bound_access_tokens: true, scope: 'read' })
    const keyPair = await oauth.generateKeyPair(alg)
    const DPoP = oauth.DPoP(client, keyPair)
    const answer = await token(as, client, oauth.ClientSecretBasic(client.client_secret), { resource }, { DPoP })
    assert.equal(answer.token_type, 'dpop')

    // The resource server sees the proof that the library makes for it, and compares it with `cnf`.
    let sent
    await oauth.protectedResourceRequest(answer.access_token, 'GET', new URL(`${resource}/things`), undefined, null, {
      DPoP,
      [oauth.customFetch]: async (url, { headers }) => ((sent = headers), new Response()),
    })
    const proof = new Headers(sent).get('dpop')
    const claims = await validate(as, answer.access_token, resource, { scheme: 'DPoP', proof })
    assert.equal(claims.cnf.jkt, await jose.calculateJwkThumbprint(await jose.exportJWK(keyPair.publicKey)))

    await assert.rejects(validate(as, answer.access_token, resource), /DPoP/i)
  })
}

await check('DPoP: a bound client gets nothing without a proof', async () => {
  const client = await register(as, { dpop_bound_access_tokens: true })
  await assert.rejects(token(as, client, oauth.ClientSecretBasic(client.client_secret)), (error) => {
    assert.equal(error.error, 'invalid_request')
    return error.status === 400
  })
})

const client = await register(as, { scope: 'read write' })
const basic = oauth.ClientSecretBasic(client.client_secret)

await check('resource: two, by two parameters', async () => {
  const parameters = new URLSearchParams([['resource', resource], ['resource', 'https://reports.example']])
  const answer = await token(as, client, basic, parameters)
  assert.equal(answer.scope, 'read', 'only what both resources allow')
  const claims = await validate(as, answer.access_token, 'https://reports.example')
  assert.deepEqual(claims.aud, [resource, 'https://reports.example'])
})

await check('resource: a bare origin with a slash at the end is the one without', async () => {
  const answer = await token(as, client, basic, { resource: new URL('https://reports.example').href })
  assert.equal((await validate(as, answer.access_token, 'https://reports.example')).aud, 'https://reports.example')
})

await check('resource: an unknown one is refused with invalid_target', () =>
  assert.rejects(token(as, client, basic, { resource: 'https://unknown.example' }), {
    error: 'invalid_target',
    status: 400,
  }))

await check('scope: more than was registered is refused with invalid_scope', () =>
  assert.rejects(token(as, client, basic, { scope: 'read admin' }), { error: 'invalid_scope', status: 400 }))

await check('validateJwtAccessToken refuses a damaged signature and another audience', async () => {
  const { access_token: accessToken } = await token(as, client, basic, { resource })
  await validate(as, accessToken, resource)
  await assert.rejects(validate(as, damaged(accessToken), resource), /signature/)
  await assert.rejects(validate(as, accessToken, 'https://reports.example'), { code: oauth.JWT_CLAIM_COMPARISON })
})

await check('introspection, revocation, introspection', async () => {
  const { access_token: accessToken } = await token(as, client, basic, { scope: 'write' })
  const active = await introspect(as, client, basic, accessToken)
  assert.equal(active.active, true)
  assert.equal(active.client_id, client.client_id)
  assert.equal(active.scope, 'write')

  const stranger = await register(as, {})
  const strangers = oauth.ClientSecretBasic(stranger.client_secret)
  assert.deepEqual(await introspect(as, stranger, strangers, accessToken), { active: false })

  await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, basic, accessToken, insecure))
  assert.deepEqual(await introspect(as, client, basic, accessToken), { active: false })
})

const protectedAs = await discover(new URL(setting('PROTECTED_SERVER')))

await check('an initial access token registers a client', async () => {
  const initialAccessToken = setting('INITIAL_ACCESS_TOKEN')
  const client = await register(protectedAs, { scope: 'read write' }, { initialAccessToken })
  assert.equal(client.scope, 'read', 'only what the initial access token allows')
  const answer = await token(protectedAs, client, oauth.ClientSecretBasic(client.client_secret))
  assert.equal(answer.scope, 'read')
})

await check('without one, or with a wrong one, registration is refused', async () => {
  for (const options of [{}, { initialAccessToken: 'wrong' }]) {
    await assert.rejects(register(protectedAs, {}, options), (error) => error.status === 401)
  }
})
