// Decoding and verifying an access token: RFC 7515, RFC 7518 section 3.1, RFC 8037, RFC 9068 section 4.

const ALGORITHMS = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32 },
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  ES384: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  EdDSA: { name: 'Ed25519' },
  Ed25519: { name: 'Ed25519' },
}

function bytes(base64url) {
  const binary = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}

/** The parts of a token, and what its header and payload say. Nothing of it is verified. */
export function decode(token) {
  const [header, payload, signature] = token.split('.')
  const object = (part) => JSON.parse(new TextDecoder().decode(bytes(part)))
  return { header: object(header), claims: object(payload), parts: [header, payload, signature] }
}

/** Verifies a token as a resource server does. Returns `null` if it is valid, else what is wrong. */
export async function verify(token, issuer, keys) {
  const { header, claims, parts: [head, payload, signature] } = decode(token)
  const key = keys.find(({ kid }) => kid === header.kid)
  const algorithm = ALGORITHMS[header.alg]
  if (!key || key.alg !== header.alg || !algorithm) return 'No key for it'
  if (!crypto.subtle) return 'Not verified: the browser does that on https and loopback only'
  // The names are Web Crypto's, and `alg` of the key was compared above.
  const { kty, crv, n, e, x, y } = key
  const imported = await crypto.subtle.importKey('jwk', { kty, crv, n, e, x, y }, algorithm, false, ['verify'])
  const signed = new TextEncoder().encode(`${head}.${payload}`)
  if (!await crypto.subtle.verify(algorithm, imported, bytes(signature), signed)) return 'Signature invalid'
  if (header.typ !== 'at+jwt') return 'Not an access token'
  if (claims.iss !== issuer) return 'Another issuer'
  if (claims.exp * 1000 <= Date.now()) return 'Expired'
  return null
}
