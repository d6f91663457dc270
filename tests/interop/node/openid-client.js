// openid-client, which most Node.js programs use: discovery and registration in one step, then tokens.

import assert from 'node:assert/strict'
import * as jose from 'jose'
import * as client from 'openid-client'
import { check, decode, setting } from './helper/check.js'

const server = new URL(setting('SERVER'))
// The only exception: plain HTTP, on loopback.
const options = { algorithm: 'oauth2', execute: [client.allowInsecureRequests] }
const resource = 'https://api.example/v1'

await check('registration without naming a method, then a token at once', async () => {
  const config = await client.dynamicClientRegistration(server, { client_name: 'openid-client' }, undefined, options)
  const tokens = await client.clientCredentialsGrant(config, { scope: 'read', resource })
  assert.equal(tokens.scope, 'read')
  assert.equal(tokens.expiresIn() > 0, true)
  const { claims } = decode(tokens.access_token)
  assert.equal(claims.client_id, config.clientMetadata().client_id)
  assert.equal(claims.aud, resource)
})

await check('introspection and revocation by that client', async () => {
  const config = await client.dynamicClientRegistration(server, {}, undefined, options)
  const { access_token: token } = await client.clientCredentialsGrant(config)
  assert.equal((await client.tokenIntrospection(config, token)).active, true)
  await client.tokenRevocation(config, token)
  assert.equal((await client.tokenIntrospection(config, token)).active, false)
})

for (const [name, method, other] of [
  ['client_secret_basic', client.ClientSecretBasic, client.ClientSecretPost],
  ['client_secret_post', client.ClientSecretPost, client.ClientSecretBasic],
]) {
  const metadata = { token_endpoint_auth_method: name }
  const registered = await client.dynamicClientRegistration(server, metadata, method(), options)
  const { client_id: id, client_secret: secret } = registered.clientMetadata()

  await check(`${name}: straight after registration, and after discovery`, async () => {
    await client.clientCredentialsGrant(registered)
    const config = await client.discovery(server, id, secret, method(secret), options)
    assert.equal(decode((await client.clientCredentialsGrant(config)).access_token).claims.sub, id)
  })
  await check(`${name}: a wrong secret, or the other method, is refused`, async () => {
    for (const authentication of [method('wrong'), other(secret)]) {
      const config = await client.discovery(server, id, undefined, authentication, options)
      await assert.rejects(client.clientCredentialsGrant(config), { status: 401 })
    }
  })
}

for (const alg of ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA', 'Ed25519']) {
  await check(`private_key_jwt with ${alg}`, async () => {
    const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true })
    const jwks = { keys: [{ ...(await jose.exportJWK(publicKey)), alg, kid: 'one' }] }
    const metadata = { token_endpoint_auth_method: 'private_key_jwt', jwks }
    const authentication = client.PrivateKeyJwt({ key: privateKey, kid: 'one' })
    const config = await client.dynamicClientRegistration(server, metadata, authentication, options)
    const { access_token: token } = await client.clientCredentialsGrant(config)
    assert.equal(decode(token).claims.client_id, config.clientMetadata().client_id)

    const stranger = await jose.generateKeyPair(alg)
    const wrong = client.PrivateKeyJwt({ key: stranger.privateKey, kid: 'one' })
    const id = config.clientMetadata().client_id
    const other = await client.discovery(server, id, undefined, wrong, options)
    await assert.rejects(client.clientCredentialsGrant(other), { status: 401 })
  })
}

for (const alg of ['ES256', 'Ed25519']) {
  await check(`DPoP with ${alg} and a nonce`, async () => {
    const metadata = { dpop_bound_access_tokens: true }
    const config = await client.dynamicClientRegistration(server, metadata, undefined, options)
    const keys = await client.randomDPoPKeyPair(alg)
    const DPoP = client.getDPoPHandle(config, keys)
    const tokens = await client.clientCredentialsGrant(config, undefined, { DPoP })
    assert.equal(tokens.token_type, 'dpop')
    const { cnf } = decode(tokens.access_token).claims
    assert.equal(cnf.jkt, await jose.calculateJwkThumbprint(await jose.exportJWK(keys.publicKey)))
    assert.equal((await client.tokenIntrospection(config, tokens.access_token)).cnf.jkt, cnf.jkt)
  })
}

await check('an initial access token registers a client, and none is refused', async () => {
  const server = new URL(setting('PROTECTED_SERVER'))
  const withToken = { ...options, initialAccessToken: setting('INITIAL_ACCESS_TOKEN') }
  const config = await client.dynamicClientRegistration(server, {}, undefined, withToken)
  assert.equal((await client.clientCredentialsGrant(config)).scope, 'read')
  await assert.rejects(client.dynamicClientRegistration(server, {}, undefined, options), { status: 401 })
})
