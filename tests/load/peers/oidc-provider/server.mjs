// The npm package oidc-provider as a server: dynamic client registration and client credentials, everything in memory,
// JWT access tokens.
//
//     node server.mjs PORT ES256|RS256

import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';

const [port, alg] = process.argv.slice(2);
const audience = 'https://api.example';

// Both algorithms, whichever signs the tokens: a client that registers is expected to verify RS256.
const keys = await Promise.all(
  ['ES256', 'RS256'].map(async (alg) => {
    const { privateKey } = await generateKeyPair(alg, { extractable: true });
    return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: alg };
  }),
);

const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: { keys },
  cookies: { keys: ['load'] },
  scopes: ['read', 'write'],
  clientAuthMethods: ['client_secret_basic'],
  features: {
    devInteractions: { enabled: false },
    userinfo: { enabled: false },
    clientCredentials: { enabled: true },
    registration: { enabled: true, initialAccessToken: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'read write',
        audience,
        accessTokenTTL: 3600,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg } },
      }),
    },
  },
  ttl: { ClientCredentials: 3600 },
});

provider.on('server_error', (_ctx, error) => console.error(error));
provider.listen(Number(port), '127.0.0.1');
