// The npm packages with which resource servers verify tokens, each with every algorithm that Tokenmint can sign with.
// A verifier must do what the table in docs/compatibility.md says of it.

import assert from 'node:assert/strict'
import fastifyJwt from '@fastify/jwt'
import { JwtVerifier } from 'aws-jwt-verify'
import { SimpleJwksCache } from 'aws-jwt-verify/jwk'
import express from 'express'
import { auth } from 'express-oauth2-jwt-bearer'
import Fastify from 'fastify'
import fastifyJwtJwks from 'fastify-jwt-jwks'
import buildGetJwks from 'get-jwks'
import * as jose from 'jose'
import jsonwebtoken from 'jsonwebtoken'
import jwksClient from 'jwks-rsa'
import * as oauth from 'oauth4webapi'
import { check, damaged, decode, register, requestToken, setting } from './helper/check.js'
import { documentedVerifiers } from './helper/documented.js'

const audience = 'https://api.example/v1'

/** For each verifier, a function of the issuer that makes another one: of a token to its verified claims. */
const verifiers = {
  jose: (issuer) => {
    const keySet = jose.createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`))
    return async (token) => (await jose.jwtVerify(token, keySet, { issuer, audience, typ: 'at+jwt' })).payload
  },

  oauth4webapi: (issuer) => async (token) => {
    const as = { issuer, jwks_uri: `${issuer}/.well-known/jwks.json` }
    const request = new Request(audience, { headers: { Authorization: `Bearer ${token}` } })
    return oauth.validateJwtAccessToken(as, request, audience, { [oauth.allowInsecureRequests]: true })
  },

  'jwks-rsa': (issuer) => {
    const client = jwksClient({ jwksUri: `${issuer}/.well-known/jwks.json` })
    const key = (header, done) => client.getSigningKey(header.kid, (error, key) => done(error, key?.getPublicKey()))
    return (token) =>
      new Promise((resolve, reject) =>
        jsonwebtoken.verify(token, key, { issuer, audience }, (error, claims) =>
          error ? reject(error) : resolve(claims),
        ),
      )
  },

  'get-jwks': (issuer) => {
    const getJwks = buildGetJwks({ issuersWhitelist: [issuer] })
    const app = Fastify()
    app.register(fastifyJwt, {
      decode: { complete: true },
      secret: (request, { header: { kid, alg }, payload: { iss } }) => getJwks.getPublicKey({ kid, domain: iss, alg }),
      verify: { allowedIss: issuer, allowedAud: audience },
    })
    app.get('/', async (request) => request.jwtVerify())
    return (token) => inject(app, token)
  },

  'fastify-jwt-jwks': (issuer) => {
    const app = Fastify()
    app.register(fastifyJwtJwks, { jwksUrl: `${issuer}/.well-known/jwks.json`, issuer, audience })
    app.after(() => app.get('/', { preValidation: app.authenticate }, async (request) => request.user))
    return (token) => inject(app, token)
  },

  'aws-jwt-verify': (issuer) => {
    // The package's own fetcher speaks https only.
    const fetcher = { fetch: async (uri) => (await fetch(uri)).arrayBuffer() }
    const options = { issuer, audience, jwksUri: `${issuer}/.well-known/jwks.json` }
    const verifier = JwtVerifier.create(options, { jwksCache: new SimpleJwksCache({ fetcher }) })
    return (token) => verifier.verify(token)
  },

  // It must be told each algorithm but RS256.
  'express-oauth2-jwt-bearer': (issuer, alg) => async (token) => {
    const app = express()
    app.use(auth({ issuerBaseURL: issuer, audience, strict: true, tokenSigningAlg: alg }))
    app.get('/', (request, response) => response.json(request.auth.payload))
    app.use((error, request, response, next) => response.status(error.status ?? 500).send(error.message))
    const server = app.listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    try {
      const response = await fetch(`http://127.0.0.1:${server.address().port}/`, {
        headers: { Authorization: `Bearer ${token}`, Connection: 'close' },
      })
      assert.equal(response.status, 200, await response.clone().text())
      return await response.json()
    } finally {
      server.close()
    }
  },
}

/** The answer of a Fastify application to a request with the token; throws if it is not 200. */
async function inject(app, token) {
  const response = await app.inject({ url: '/', headers: { authorization: `Bearer ${token}` } })
  assert.equal(response.statusCode, 200, response.body)
  return response.json()
}

const documented = documentedVerifiers(Object.keys(verifiers))

for (const alg of documented.algorithms) {
  const issuer = setting(`SERVER_${alg}`)
  const client = await register(issuer, { scope: 'read' })
  const { access_token: token } = await requestToken(issuer, client, { resource: audience })

  await check(`the server signs with ${alg}`, () => assert.equal(decode(token).header.alg, alg))

  for (const [name, make] of Object.entries(verifiers)) {
    const verify = make(issuer, alg)
    if (documented.takes(name, alg)) {
      await check(`${name} verifies ${alg}`, async () => {
        const claims = await verify(token)
        assert.equal(claims.client_id, client.client_id)
        assert.equal(claims.scope, 'read')
        await assert.rejects(async () => verify(damaged(token)), 'it accepts a damaged signature')
      })
    } else {
      await check(`${name} does not know ${alg}`, () =>
        assert.rejects(async () => verify(token), 'it does: correct docs/compatibility.md'))
    }
  }
}
