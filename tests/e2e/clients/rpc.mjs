// Calls a guarded method by gRPC, gRPC-Web and Connect, and tells what each client makes of the refusal.

import { create, createFileRegistry, fromBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema, anyUnpack, file_google_protobuf_any } from '@bufbuild/protobuf/wkt'
import { Code, ConnectError, createClient } from '@connectrpc/connect'
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web'
import grpc from '@grpc/grpc-js'

const { ADDRESS, COOKIES, PASSWORD } = process.env
const base = `http://${ADDRESS}`

const text = (name, number) => ({ name, number, type: 9, label: 1, jsonName: name })
const parts = (name, number, typeName) => ({ name, number, type: 11, label: 3, typeName, jsonName: name })
const method = (name, serverStreaming) => ({ name, serverStreaming, inputType: '.google.rpc.Nothing', outputType: '.google.rpc.Nothing' })
const registry = createFileRegistry(create(FileDescriptorProtoSchema, {
  name: 'rpc.proto', package: 'google.rpc', syntax: 'proto3', dependency: ['google/protobuf/any.proto'],
  messageType: [
    { name: 'Nothing' },
    { name: 'LocalizedMessage', field: [text('locale', 1), text('message', 2)] },
    { name: 'ErrorInfo', field: [text('reason', 1), text('domain', 2), parts('metadata', 3, '.google.rpc.ErrorInfo.MetadataEntry')],
      nestedType: [{ name: 'MetadataEntry', options: { mapEntry: true }, field: [text('key', 1), text('value', 2)] }] },
    { name: 'Status', field: [{ ...text('code', 1), type: 5 }, text('message', 2), parts('details', 3, '.google.protobuf.Any')] },
  ],
  service: [{ name: 'Notes', method: [method('Do', false), method('Watch', true)] }],
}), () => file_google_protobuf_any)
const [Info, Localized, Status] = ['ErrorInfo', 'LocalizedMessage', 'Status'].map((name) => registry.getMessage(`google.rpc.${name}`))

const known = (next) => (request) => {
  request.header.set('cookie', COOKIES)
  return next(request)
}
const options = { baseUrl: base, interceptors: [known] }
const clients = {
  Connect: createConnectTransport(options),
  'Connect, binary': createConnectTransport({ ...options, useBinaryFormat: true }),
  'gRPC-Web': createGrpcWebTransport(options),
}
const tell = (client, code, message, info, localized) => {
  console.log(JSON.stringify({ client, code, message, ...info, locale: localized.locale, localized: localized.message }))
  return info.metadata
}
const told = (client, error) => {
  if (!(error instanceof ConnectError)) throw error
  return tell(client, Code[error.code], error.rawMessage, error.findDetails(Info)[0], error.findDetails(Localized)[0])
}
let metadata
for (const [name, transport] of Object.entries(clients)) {
  const client = createClient(registry.getService('google.rpc.Notes'), transport)
  await client.do({}).then(() => console.log('not refused'), (error) => { metadata = told(name, error) })
  try {
    for await (const _ of client.watch({})) console.log('not refused')
  } catch (error) {
    told(`${name}, a stream`, error)
  }
}

const plain = new grpc.Client(ADDRESS, grpc.credentials.createInsecure())
const header = new grpc.Metadata()
header.set('cookie', COOKIES)
const nothing = () => Buffer.alloc(0)
const error = await new Promise((resolve) => plain.makeUnaryRequest('/google.rpc.Notes/Do', nothing, nothing, null, header, resolve))
const status = fromBinary(Status, error.metadata.get('grpc-status-details-bin')[0])
if (status.code !== error.code) throw 'two codes'
tell('gRPC', grpc.status[error.code], error.details, ...[Info, Localized].map((kind, place) => anyUnpack(status.details[place], kind)))

// What the details name is enough to prove oneself and to repeat the call.
const answer = await fetch(base + metadata.verify_url, {
  method: 'POST', headers: { 'content-type': 'application/json', cookie: COOKIES },
  body: JSON.stringify({ token: metadata.token, factor: 'password', answer: PASSWORD }),
})
const key = answer.headers.getSetCookie().map((line) => line.split(';')[0]).join('; ')
const proven = (next) => (request) => {
  request.header.set('cookie', `${COOKIES.split('; ').filter((pair) => pair.startsWith('sid=')).join('; ')}; ${key}`)
  return next(request)
}
const repeated = createClient(registry.getService('google.rpc.Notes'), createConnectTransport({ baseUrl: base, interceptors: [proven] }))
console.log(JSON.stringify(await repeated.do({}).then(() => 'done', (error) => `${error}`)))
process.exit(0)
