// @modelcontextprotocol/client, version 2 of MCP's SDK: its client gets tokens from Tokenmint for an MCP server.

import * as sdk from '@modelcontextprotocol/client'
import { checkMcp } from './helper/mcp-checks.js'

await checkMcp(sdk)
