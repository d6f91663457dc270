// An MCP server as its SDK makes one: a protected resource of Tokenmint (RFC 9728), with one tool.

import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js'
import {
  getOAuthProtectedResourceMetadataUrl,
  mcpAuthMetadataRouter,
} from '@modelcontextprotocol/sdk/server/auth/router.js'
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js'
import express from 'express'
import * as jose from 'jose'

/**
 * Starts the server at the URL; `resource` is its identifier at Tokenmint, which is `aud` in tokens for it. Returns a
 * function that ends it.
 */
export async function startMcpServer(url, resource, issuer) {
  const metadata = await (await fetch(`${issuer}/.well-known/oauth-authorization-server`)).json()
  const keySet = jose.createRemoteJWKSet(new URL(metadata.jwks_uri))

  async function verifyAccessToken(token) {
    try {
      const { payload } = await jose.jwtVerify(token, keySet, { issuer, audience: resource, typ: 'at+jwt' })
      const scopes = payload.scope.split(' ')
      return { token, clientId: payload.client_id, scopes, expiresAt: payload.exp, extra: { aud: payload.aud } }
    } catch (error) {
      throw new InvalidTokenError(error.message)
    }
  }

  const app = express()
  app.use(mcpAuthMetadataRouter({ oauthMetadata: metadata, resourceServerUrl: url, scopesSupported: ['read'] }))
  const resourceMetadataUrl = getOAuthProtectedResourceMetadataUrl(url)
  const protect = requireBearerAuth({ verifier: { verifyAccessToken }, requiredScopes: ['read'], resourceMetadataUrl })
  app.all(url.pathname, protect, express.json(), async (request, response) => {
    const server = new McpServer({ name: 'interop', version: '1' })
    server.registerTool('whoami', { description: 'Says whose token it got' }, (extra) => {
      const { clientId, scopes, extra: { aud } } = extra.authInfo
      return { content: [{ type: 'text', text: JSON.stringify({ clientId, scopes, aud }) }] }
    })
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined })
    response.on('close', () => server.close())
    await server.connect(transport)
    await transport.handleRequest(request, response, request.body)
  })
  const listener = app.listen(url.port, url.hostname)
  await new Promise((resolve, reject) => listener.once('listening', resolve).once('error', reject))
  return () => (listener.closeAllConnections(), listener.close())
}
