// An Express site with single sign-on: OpenID Connect by express-openid-connect, SAML by passport-saml.

import { readFileSync } from 'node:fs'
import { Strategy } from '@node-saml/passport-saml'
import { RedisStore } from 'connect-redis'
import express from 'express'
import openIdConnect from 'express-openid-connect'
import session from 'express-session'
import passport from 'passport'
import { createClient } from 'redis'

const { ORIGIN, REDIS, STATE } = process.env

/** The site, for people of the provider at `issuer`. */
export function expressSite(issuer) {
  const app = express()
  app.set('trust proxy', true)
  const client = createClient({ url: REDIS })
  client.connect()
  const store = new RedisStore({ client })
  const secret = readFileSync(`${STATE}/express.secret`, 'utf8')
  app.use(session({ store, secret, resave: false, saveUninitialized: false }))
  app.use(passport.session())
  app.use(
    openIdConnect.auth({
      authRequired: false,
      baseURL: ORIGIN,
      issuerBaseURL: issuer,
      clientID: 'shop',
      clientSecret: 'for-this-test-only-0123456789',
      secret: 'for-this-test-only-0123456789abcdef',
      authorizationParams: { response_type: 'code', response_mode: 'query', scope: 'openid email' },
      routes: { login: '/oauth/login', callback: '/oauth/callback' },
    }),
  )
  saml(app, issuer)
  app.get('/me', (request, response) => {
    const name = nameOf(request)
    response.status(name ? 200 : 401).json(name ? { user: { name } } : {})
  })
  app.post('/act/:level', (request, response) => {
    // Behind an authenticating proxy it is whom the proxy names.
    const name = request.get('remote-user') ?? nameOf(request)
    response.status(name ? 200 : 401).send(`done for ${name}`)
  })
  return app
}

function nameOf(request) {
  return request.oidc.user?.sub ?? request.user
}

function saml(app, issuer) {
  const strategy = new Strategy(
    {
      entryPoint: `${issuer}/saml`,
      callbackUrl: `${ORIGIN}/saml/acs`,
      issuer: 'shop',
      idpCert: readFileSync(`${STATE}/saml.crt`, 'utf8'),
    },
    (profile, done) => done(null, profile.nameID),
    (_profile, done) => done(null, true),
  )
  passport.use('saml', strategy)
  passport.serializeUser((name, done) => done(null, name))
  passport.deserializeUser((name, done) => done(null, name))
  app.get('/saml/login', passport.authenticate('saml'))
  const form = express.urlencoded({ extended: false })
  app.post('/saml/acs', form, passport.authenticate('saml', { successRedirect: '/home' }))
}
