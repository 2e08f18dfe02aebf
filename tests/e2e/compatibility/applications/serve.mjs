// Starts the applications in Node, each at a port of its own, and says where.

import { createServer } from 'node:http'
import { expressSite } from './express_site.mjs'
import { identityProvider } from './identity_provider.mjs'

const listening = async (server) => {
  await new Promise((done) => server.listen(0, '127.0.0.1', done))
  return server.address().port
}

const [providerServer, siteServer] = [createServer(), createServer()]
const [provider, site] = [await listening(providerServer), await listening(siteServer)]
const issuer = `http://127.0.0.1:${provider}`
providerServer.on('request', identityProvider(issuer))
siteServer.on('request', expressSite(issuer))
console.log('ready', provider, site)
