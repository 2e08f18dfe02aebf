// An Express site that keeps its sessions in Redis: express-session with connect-redis.

import { RedisStore } from 'connect-redis'
import express from 'express'
import session from 'express-session'
import { createClient } from 'redis'

const { REDIS, SECRET } = process.env

const client = createClient({ url: REDIS })
client.on('error', () => {})
await client.connect()

const app = express()
app.use(session({ store: new RedisStore({ client }), secret: SECRET, resave: false, saveUninitialized: false }))
app.use(express.urlencoded({ extended: false }))

app.post('/login', (request, response, next) => {
  request.session.regenerate((error) => {
    if (error) return next(error)
    request.session.user = { name: request.body.user, since: new Date() }
    response.redirect('/home')
  })
})
// "Log in as": the cookie stays.
app.post('/become', (request, response) => {
  request.session.user.name = request.body.user
  response.send('changed')
})
app.post('/logout', (request, response) => request.session.destroy(() => response.redirect('/')))
app.use((request, response) => {
  const name = request.session.user?.name
  response.status(name ? 200 : 401).send(`done for ${name}`)
})

const server = app.listen(0, '127.0.0.1', () => console.log(`ready ${server.address().port}`))
