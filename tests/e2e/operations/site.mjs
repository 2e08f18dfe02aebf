// One address for many operations: GraphQL by Yoga at /graphql, JSON-RPC by jayson at /rpc, in one Express session.

import { useAPQ } from '@graphql-yoga/plugin-apq'
import express from 'express'
import session from 'express-session'
import { GraphQLError } from 'graphql'
import { createSchema, createYoga } from 'graphql-yoga'
import jayson from 'jayson'

const PASSWORD = 'App-pass-1!'

const logIn = (request, user, password) => {
  if (password !== PASSWORD) return undefined
  request.session.user = user
  return user
}
const act = (request) => `done for ${request.session.user}`

const yoga = createYoga({
  batching: true,
  graphiql: false,
  logging: false,
  plugins: [useAPQ()],
  schema: createSchema({
    typeDefs: `
      type Login { name: String, message: String, forbidden: String! }
      type Query { me: String }
      type Mutation {
        login(user: String!, password: String!): Login!
        logout: Boolean!
        deleteUser(name: String!): String!
      }`,
    resolvers: {
      Query: { me: (_, __, { request: _request, req }) => req.session.user },
      Mutation: {
        login: (_, { user, password }, { req }) => {
          const name = logIn(req, user, password)
          return { name, message: name ? undefined : 'wrong password' }
        },
        logout: (_, __, { req }) => delete req.session.user,
        deleteUser: (_, __, { req }) => act(req),
      },
      Login: {
        // As the docs of Yoga and Apollo have it.
        forbidden: () => {
          throw new GraphQLError('for managers', { extensions: { http: { status: 403 } } })
        },
      },
    },
  }),
})

const rpc = new jayson.Server(
  {
    // Those that are not named come in a list.
    login: (given, { request }, done) => {
      const [user, password] = Array.isArray(given) ? given : [given.user, given.password]
      done(null, { uid: logIn(request, user, password) ?? false })
    },
    logout: (_, { request }, done) => done(null, delete request.session.user),
    'user.delete': (_, { request }, done) => done(null, act(request)),
  },
  { useContext: true },
)

const app = express()
const saveUninitialized = process.env.GUESTS === 'true'
app.use(session({ name: 'sid', secret: 'keyboard cat', resave: false, saveUninitialized }))
app.use('/graphql', yoga)
// It looks at no type.
app.post('/rpc', express.json({ type: () => true }), (request, response) =>
  rpc.call(request.body, { request }, (failure, success) => response.json(failure ?? success)),
)
app.post('/act', (request, response) => response.send(act(request)))
app.get('/login', (_, response) => response.send('Who are you?'))
app.get('/me', (request, response) => response.json({ name: request.session.user }))

const server = app.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`))
