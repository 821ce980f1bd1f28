/** `wasi:http` as a component imports it. */
import type { Clocks } from '../../preview1/clocks.ts'
import type { Interfaces } from '../host.ts'
import type { IoError } from '../streams.ts'
import { FutureTrailers, IncomingBody, OutgoingBody } from './bodies.ts'
import { Fields } from './fields.ts'
import {
  FutureIncomingResponse,
  IncomingRequest,
  IncomingResponse,
  type OutgoingRequest,
  outgoingMessages,
  RequestOptions,
  ResponseOutparam,
} from './messages.ts'
import { sendRequest } from './send.ts'

/** @param clocks - of a component whose calls can be suspended */
export function httpInterfaces(clocks: Clocks): Interfaces {
  return {
    'wasi:http/types': {
      Fields,
      FutureIncomingResponse,
      FutureTrailers,
      IncomingBody,
      IncomingRequest,
      IncomingResponse,
      OutgoingBody,
      RequestOptions,
      ResponseOutparam,
      ...outgoingMessages(clocks),
      httpErrorCode: (error: IoError) => error.httpCode,
    },
    'wasi:http/outgoing-handler': {
      handle: (request: OutgoingRequest, options: RequestOptions | undefined) => sendRequest(clocks, request, options),
    },
  }
}
