// A provider of OpenID Connect that believes every name: node provider.mjs PORT REDIRECT_URI

import Provider from 'oidc-provider'

const [port, redirectUri] = process.argv.slice(2)
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: 'hub',
      client_secret: 'for-this-test-only-0123456789',
      redirect_uris: [redirectUri],
    },
  ],
  cookies: { keys: ['for-this-test-only'] },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
})
provider.listen(Number(port), '127.0.0.1', () => console.log('ready'))
