// The checks of both npm packages for MCP clients, which have the same names for what they do.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import * as jose from 'jose'
import { check, register, setting } from './check.js'
import { startMcpServer } from './mcp.js'

const issuer = setting('MCP_AUTHORIZATION_SERVER')

/** `sdk` has the package's functions and classes. */
export async function checkMcp(sdk) {
  const { Client, StreamableHTTPClientTransport, ClientCredentialsProvider, PrivateKeyJwtProvider } = sdk

  /** What a user of the package writes: connect with a provider, call a tool. */
  async function callTool(url, authProvider) {
    const client = new Client({ name: 'interop', version: '1' })
    await client.connect(new StreamableHTTPClientTransport(url, { authProvider }))
    const result = await client.callTool({ name: 'whoami' })
    await client.close()
    return JSON.parse(result.content[0].text)
  }

  // One MCP server is a bare origin, whose URL objects end with a slash that its identifier at Tokenmint does not have.
  for (const [kind, resource] of [['at an origin', setting('MCP_ROOT')], ['at a path', setting('MCP_PATH')]]) {
    const url = new URL(resource)
    const stop = await startMcpServer(url, resource, issuer)

    await check(`an MCP server ${kind}: discovery from it to Tokenmint (RFC 9728, RFC 8414)`, async () => {
      const found = await sdk.discoverOAuthServerInfo(url)
      assert.equal(found.resourceMetadata.resource, url.href)
      assert.equal(found.authorizationServerUrl, issuer)
      assert.equal(found.authorizationServerMetadata.issuer, issuer)
      assert.equal(found.authorizationServerMetadata.token_endpoint, `${issuer}/token`)
      assert.equal(found.authorizationServerMetadata.authorization_endpoint, `${issuer}/authorize`)
    })

    await check(`an MCP server ${kind}: ClientCredentialsProvider`, async () => {
      const { client_id: clientId, client_secret: clientSecret } = await register(issuer, { scope: 'read' })
      const options = { clientId, expectedIssuer: issuer, scope: 'read' }
      const seen = await callTool(url, new ClientCredentialsProvider({ ...options, clientSecret }))
      assert.deepEqual(seen, { clientId, scopes: ['read'], aud: resource })
      const wrong = new ClientCredentialsProvider({ ...options, clientSecret: 'wrong' })
      await assert.rejects(callTool(url, wrong), isInvalidClient)
    })

    for (const alg of ['RS256', 'ES256', 'EdDSA']) {
      await check(`an MCP server ${kind}: PrivateKeyJwtProvider with ${alg}`, async () => {
        const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true })
        const { client_id: clientId } = await register(issuer, {
          token_endpoint_auth_method: 'private_key_jwt',
          jwks: { keys: [await jose.exportJWK(publicKey)] },
          scope: 'read',
        })
        const options = { clientId, expectedIssuer: issuer, algorithm: alg, scope: 'read' }
        const provider = new PrivateKeyJwtProvider({ ...options, privateKey: await jose.exportJWK(privateKey) })
        assert.deepEqual(await callTool(url, provider), { clientId, scopes: ['read'], aud: resource })

        const others = await jose.generateKeyPair(alg, { extractable: true })
        const wrong = new PrivateKeyJwtProvider({ ...options, privateKey: await jose.exportJWK(others.privateKey) })
        await assert.rejects(callTool(url, wrong), isInvalidClient)
      })
    }

    await check(`an MCP server ${kind}: PrivateKeyJwtProvider with a client ID metadata document`, async () => {
      const { publicKey, privateKey } = await jose.generateKeyPair('ES256', { extractable: true })
      // Another URL for each check: Tokenmint keeps what it fetched.
      const clientId = `${setting('MCP_DOCUMENTS')}/${randomUUID()}.json`
      const close = await publish(clientId, {
        client_id: clientId,
        client_name: 'An agent without a registration',
        token_endpoint_auth_method: 'private_key_jwt',
        grant_types: ['client_credentials'],
        jwks: { keys: [await jose.exportJWK(publicKey)] },
      })
      const { authorizationServerMetadata: metadata } = await sdk.discoverOAuthServerInfo(url)
      assert.equal(metadata.client_id_metadata_document_supported, true)
      const options = { clientId, expectedIssuer: issuer, algorithm: 'ES256', scope: 'read' }
      const provider = new PrivateKeyJwtProvider({ ...options, privateKey: await jose.exportJWK(privateKey) })
      assert.deepEqual(await callTool(url, provider), { clientId, scopes: ['read'], aud: resource })

      const others = await jose.generateKeyPair('ES256', { extractable: true })
      const wrong = new PrivateKeyJwtProvider({ ...options, privateKey: await jose.exportJWK(others.privateKey) })
      await assert.rejects(callTool(url, wrong), isInvalidClient)
      close()
    })

    await check(`an MCP server ${kind}: a token without its scope is not enough`, async () => {
      const { client_id: clientId, client_secret: clientSecret } = await register(issuer, { scope: 'write' })
      const options = { clientId, clientSecret, expectedIssuer: issuer, scope: 'write' }
      // One version of the SDK gives up at the MCP server, the other when it has asked Tokenmint for more.
      await assert.rejects(callTool(url, new ClientCredentialsProvider(options)), (error) =>
        [403, 'invalid_scope'].includes(error.code))
    })
    stop()
  }

  await check('registration by registerClient, then a token for the registered client', async () => {
    const metadata = await sdk.discoverAuthorizationServerMetadata(issuer)
    const unregistered = { clientId: '-', clientSecret: '-', expectedIssuer: issuer }
    const { clientMetadata } = new ClientCredentialsProvider(unregistered)
    assert.deepEqual(clientMetadata.redirect_uris, [])
    const client = await sdk.registerClient(issuer, { metadata, clientMetadata })
    assert.deepEqual(client.redirect_uris, [])
    const provider = new ClientCredentialsProvider({
      clientId: client.client_id, clientSecret: client.client_secret, expectedIssuer: issuer,
    })
    const tokens = await sdk.fetchToken(provider, issuer, { metadata })
    assert.equal(tokens.token_type, 'Bearer')
  })

  await check('registration of an editor, whose redirect URI has a scheme without a dot', async () => {
    const metadata = await sdk.discoverAuthorizationServerMetadata(issuer)
    const redirectUri = 'cursor://anysphere.cursor-mcp/oauth/callback'
    const clientMetadata = {
      client_name: 'Cursor', redirect_uris: [redirectUri],
      grant_types: ['client_credentials'], token_endpoint_auth_method: 'client_secret_basic',
    }
    const client = await sdk.registerClient(issuer, { metadata, clientMetadata })
    assert.deepEqual(client.redirect_uris, [redirectUri])
    assert.equal(typeof client.client_secret, 'string')
  })
}

/** Publishes a document at its URL; the function that is returned ends that. */
async function publish(url, document) {
  const { pathname, hostname, port } = new URL(url)
  const server = createServer((request, response) => {
    const found = request.url === pathname
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' })
    response.end(found ? JSON.stringify(document) : '{}')
  })
  await new Promise((resolve) => server.listen(port, hostname, resolve))
  return () => server.close()
}

/** Whether the token endpoint has refused the client. */
function isInvalidClient(error) {
  const text = `${error.name} ${error.code} ${error.errorCode} ${error.message}`
  assert.match(text, /invalid_?client/i)
  return true
}
