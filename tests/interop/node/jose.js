// jose: a resource server verifies tokens with the key set; a client makes an assertion and a proof by hand.

import assert from 'node:assert/strict'
import * as jose from 'jose'
import { check, damaged, decode, register, requestToken, setting } from './helper/check.js'

const issuer = setting('SERVER')
const resource = 'https://api.example/v1'
const keySet = jose.createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`))
const expected = { issuer, audience: resource, typ: 'at+jwt', requiredClaims: ['client_id', 'exp', 'iat', 'jti'] }
const client = await register(issuer, { scope: 'read' })
const { access_token: token } = await requestToken(issuer, client, { resource })

await check('jwtVerify with createRemoteJWKSet', async () => {
  const { payload, protectedHeader } = await jose.jwtVerify(token, keySet, expected)
  assert.equal(payload.client_id, client.client_id)
  assert.equal(protectedHeader.alg, 'RS256')
  const [key] = (await (await fetch(`${issuer}/.well-known/jwks.json`)).json()).keys
  assert.equal(key.kid, await jose.calculateJwkThumbprint(key), 'the key identifier is the thumbprint of RFC 7638')
})

await check('a damaged signature, another audience or another issuer is refused', async () => {
  await assert.rejects(jose.jwtVerify(damaged(token), keySet, expected), {
    code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
  })
  for (const [claim, other] of Object.entries({ audience: 'https://other.example', issuer: 'https://other.example' })) {
    await assert.rejects(jose.jwtVerify(token, keySet, { ...expected, [claim]: other }), {
      code: 'ERR_JWT_CLAIM_VALIDATION_FAILED',
    })
  }
})

for (const alg of ['RS256', 'RS512', 'PS256', 'PS512', 'ES256', 'ES384', 'EdDSA', 'Ed25519']) {
  await check(`an assertion signed with ${alg} is accepted once, for this server only`, async () => {
    const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true })
    const { client_id: id } = await register(issuer, {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...(await jose.exportJWK(publicKey)), alg }] },
    })
    const assertion = (audience) =>
      new jose.SignJWT({ jti: crypto.randomUUID() })
        .setProtectedHeader({ alg })
        .setIssuer(id)
        .setSubject(id)
        .setAudience(audience)
        .setExpirationTime('1m')
        .sign(privateKey)
    const send = (client_assertion) =>
      fetch(`${issuer}/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion,
        }),
      })
    const good = await assertion(issuer)
    const first = await send(good)
    assert.equal(first.status, 200, await first.clone().text())
    assert.equal(decode((await first.json()).access_token).claims.client_id, id)
    assert.equal((await send(good)).status, 401, 'a second time')
    assert.equal((await send(await assertion('https://other.example'))).status, 401, 'for another server')
    assert.equal((await send(damaged(await assertion(issuer)))).status, 401, 'damaged')
  })
}
