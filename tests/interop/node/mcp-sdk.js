// @modelcontextprotocol/sdk, version 1 of MCP's SDK: its client gets tokens from Tokenmint for an MCP server.

import * as auth from '@modelcontextprotocol/sdk/client/auth.js'
import * as extensions from '@modelcontextprotocol/sdk/client/auth-extensions.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { checkMcp } from './helper/mcp-checks.js'

await checkMcp({ ...auth, ...extensions, Client, StreamableHTTPClientTransport })
