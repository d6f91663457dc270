// What the scripts share: how a check is reported, and requests that need no library because another one is tried.

import assert from 'node:assert/strict'

/** Runs a check and prints `ok` or `FAILED` with its name. run.sh counts these lines; the script then ends with 2. */
export async function check(name, test) {
  try {
    await test()
    console.log(`ok ${name}`)
  } catch (error) {
    console.log(`FAILED ${name}: ${reason(error)}`)
    process.exitCode = 2
  }
}

/** The messages of an error and of its causes, on one line. */
function reason(error) {
  const parts = []
  for (let cause = error; cause !== undefined && cause !== null && parts.length < 5; cause = cause.cause) {
    parts.push(cause.message ?? JSON.stringify(cause))
  }
  return parts.join(' <- ').replaceAll(/\s+/g, ' ')
}

/** A value that run.sh has set. */
export function setting(name) {
  assert(process.env[name], `${name} is not set; run this script with tests/interop/run.sh`)
  return process.env[name]
}

/** Registers a client without any library. */
export async function register(issuer, metadata) {
  const response = await fetch(`${issuer}/register`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(metadata),
  })
  assert.equal(response.status, 201, await response.clone().text())
  return response.json()
}

/** Gets a token by client_secret_basic without any library. */
export async function requestToken(issuer, client, parameters = {}) {
  const response = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { Authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', ...parameters }),
  })
  assert.equal(response.status, 200, await response.clone().text())
  return response.json()
}

/** The header and the claims of a JWT, not verified. */
export function decode(jwt) {
  const [header, claims] = jwt.split('.', 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
  return { header, claims }
}

/** The JWT with one bit of its signature changed. */
export function damaged(jwt) {
  const [header, claims, signature] = jwt.split('.')
  const bytes = Buffer.from(signature, 'base64url')
  bytes[bytes.length >> 1] ^= 1
  return [header, claims, bytes.toString('base64url')].join('.')
}
