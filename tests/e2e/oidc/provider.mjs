// A provider of OpenID Connect whose people sign in as they say: node provider.mjs, by the environment. Its key is
// another each time.

import { generateKeyPairSync, randomUUID } from 'node:crypto'
import Provider from 'oidc-provider'

const { PORT, CALLBACK, LOGOUT, FRAME } = process.env
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const provider = new Provider(`http://127.0.0.1:${PORT}`, {
  clients: [
    {
      client_id: 'stepgate',
      client_secret: 'for-this-test-only-0123456789',
      redirect_uris: [CALLBACK],
      id_token_signed_response_alg: 'ES256',
      backchannel_logout_uri: LOGOUT,
      backchannel_logout_session_required: true,
    },
  ],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', kid: randomUUID() }] },
  cookies: { keys: ['for-this-test-only'] },
  acrValues: ['gold', 'silver'],
  claims: { profile: ['preferred_username'] },
  features: {
    backchannelLogout: { enabled: true },
    devInteractions: { enabled: false },
    rpInitiatedLogout: {
      logoutSource: (ctx, form) => {
        ctx.body = `${form}<button form="op.logoutForm" name="logout" value="yes">Sign out</button>`
      },
    },
  },
  interactions: { url: (_, { uid }) => `/interaction/${uid}` },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: id }),
  }),
  // Nobody is asked whether they agree.
  async loadExistingGrant({ oidc }) {
    const { client, session } = oidc
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId })
    grant.addOIDCScope('openid profile')
    await grant.save()
    return grant
  },
})
provider.use(async (ctx, next) => {
  if (ctx.path === '/frames') {
    // Front-Channel Logout 1.0 §2: frames of all clients, on the page that ends the session.
    const session = await provider.Session.get(ctx)
    const frame = new URL(FRAME)
    frame.searchParams.set('iss', ctx.query.iss ?? provider.issuer)
    frame.searchParams.set('sid', ctx.query.sid ?? session.sidFor('stepgate'))
    const onload = "document.getElementById('end').textContent = 'Signed out'"
    ctx.body = `<p id="end"></p><iframe src="${frame}" onload="${onload}"></iframe>`
    return
  }
  if (!ctx.path.startsWith('/interaction/')) return next()
  const { login, acr, age, error } = ctx.query
  if (!login && !error) {
    const { params } = await provider.interactionDetails(ctx.req, ctx.res)
    ctx.body = `<p id="asked">${JSON.stringify(params)}</p>
      <form><input name="login"><button>Sign in</button></form><a href="?error=access_denied">Cancel</a>`
    return
  }
  const ts = Math.floor(Date.now() / 1000) - Number(age ?? 0)
  const result = error ? { error } : { login: { accountId: login, acr, ts } }
  ctx.respond = false
  await provider.interactionFinished(ctx.req, ctx.res, result, { mergeWithLastSubmission: false })
})
provider.listen(Number(PORT), '127.0.0.1', () => console.log('ready'))
