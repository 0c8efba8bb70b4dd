// `@tidings/protocol/client`: the functions that check a message by its method, under the names they have in
// `@tidings/protocol`, for a client. They know the half of the methods' schemas that a client checks, and a bundler can
// leave out the other half. Everything else a client needs is in `@tidings/protocol`.
export { isMethod, parseModernResult, parseParams, parseResult } from './methods/parse-to-client.ts'
