// The identity providers: OpenID Connect by oidc-provider, SAML 2.0 by samlp.

import { readFileSync } from 'node:fs'
import express from 'express'
import Provider from 'oidc-provider'
import samlp from 'samlp'

const { ORIGIN, PASSWORD, STATE } = process.env
const people = process.env.PEOPLE.split(',')

/** The providers at `issuer`, as one Express application. */
export function identityProvider(issuer) {
  const app = express()
  app.use('/saml', saml(issuer))
  const provider = openIdConnect(issuer)
  provider.use(shop(provider))
  app.use(provider.callback())
  return app
}

function openIdConnect(issuer) {
  return new Provider(issuer, {
    clients: [
      {
        client_id: 'shop',
        client_secret: 'for-this-test-only-0123456789',
        redirect_uris: [`${ORIGIN}/oauth/callback`],
      },
    ],
    cookies: { keys: ['for-this-test-only'] },
    findAccount: (_, id) =>
      people.includes(id) && {
        accountId: id,
        claims: () => ({ sub: id, email: `${id}@compatibility.test` }),
      },
  })
}

/** Pages of the provider's own, for whoever is signed in to it. */
function shop(provider) {
  return async (ctx, next) => {
    if (ctx.path !== '/me' && !ctx.path.startsWith('/act/')) return next()
    const { accountId } = await provider.Session.get(ctx)
    ctx.status = accountId ? 200 : 401
    ctx.body = ctx.path === '/me' ? { name: accountId } : `done for ${accountId}`
  }
}

function saml(issuer) {
  const router = express.Router()
  router.use(express.urlencoded({ extended: false }))
  router.get('/', (request, response) => {
    const { SAMLRequest, RelayState = '' } = request.query
    response.send(`<form method="post"><input name="username"><input name="password" type="password">
      <input type="hidden" name="SAMLRequest" value="${escape(SAMLRequest)}">
      <input type="hidden" name="RelayState" value="${escape(RelayState)}"></form>`)
  })
  const answer = samlp.auth({
    issuer,
    cert: readFileSync(`${STATE}/saml.crt`),
    key: readFileSync(`${STATE}/saml.key`),
    signResponse: true,
    signAssertion: true,
    getPostURL: (_audience, _request, _http, done) => done(null, `${ORIGIN}/saml/acs`),
    getUserFromRequest: ({ body }) =>
      people.includes(body.username) &&
      body.password === PASSWORD && { id: body.username, emails: [], name: {} },
  })
  router.post('/', answer)
  return router
}

function escape(text) {
  return text.replace(/[&"<>]/g, (mark) => `&#${mark.charCodeAt(0)};`)
}
