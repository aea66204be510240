/** How the methods of etcd's API are declared: what they take, what they answer, and whether that is a stream. */

import type { Call } from "./call.ts";
import { readMessage } from "./message-reader.ts";
import { writeMessage } from "./message-writer.ts";
import type { AnyMessageType, Received, Sent } from "./schema.ts";
import { StatusError } from "./status.ts";

/** Sends one message; settled when the connection takes more. */
export type Send<Message> = (message: Message) => Promise<void>;

export interface UnaryMethod {
  readonly kind: "unary";
  /** From JSON to the text of the answer. Throws a `StatusError` or an `ApiError`. */
  answer(call: Call, request: unknown): Promise<string>;
}

export interface StreamMethod {
  /** A client of `manyToMany` may send any number of messages, and one of `oneToMany` just one. */
  readonly kind: "oneToMany" | "manyToMany";
  /** Ends when the stream does. Throws a `StatusError` or an `ApiError`, by which the stream ends, too. */
  serve(call: Call, requests: AsyncIterable<unknown>, send: Send<string>): Promise<void>;
}

export type Method = UnaryMethod | StreamMethod;

export function unary<Request extends AnyMessageType, Response extends AnyMessageType>(
  request: Request,
  response: Response,
  answer: (call: Call, request: Received<Request>) => Promise<Sent<Response>>,
): UnaryMethod {
  return {
    kind: "unary",
    answer: async (call, json) => writeMessage(response, await answer(call, readMessage(request, json))),
  };
}

export function manyToMany<Request extends AnyMessageType, Response extends AnyMessageType>(
  request: Request,
  response: Response,
  serve: (call: Call, requests: AsyncIterable<Received<Request>>, send: Send<Sent<Response>>) => Promise<void>,
): StreamMethod {
  return {
    kind: "manyToMany",
    serve: (call, requests, send) => serve(call, readMany(request, requests), results(response, send)),
  };
}

export function oneToMany<Request extends AnyMessageType, Response extends AnyMessageType>(
  request: Request,
  response: Response,
  serve: (call: Call, request: Received<Request>, send: Send<Sent<Response>>) => Promise<void>,
): StreamMethod {
  return {
    kind: "oneToMany",
    serve: async (call, requests, send) => {
      for await (const first of readAll(request, requests)) {
        await serve(call, first, results(response, send));
        return;
      }
    },
  };
}

async function* readAll<Request extends AnyMessageType>(
  type: Request,
  requests: AsyncIterable<unknown>,
): AsyncGenerator<Received<Request>> {
  for await (const request of requests) yield readMessage(type, request);
}

/** Where many messages come in, what is no message counts as a mistake of the server: etcd's gateway has it so. */
async function* readMany<Request extends AnyMessageType>(
  type: Request,
  requests: AsyncIterable<unknown>,
): AsyncGenerator<Received<Request>> {
  try {
    yield* readAll(type, requests);
  } catch (error) {
    const isMistake = error instanceof StatusError && error.code === "invalidArgument";
    throw isMistake ? new StatusError("unknown", error.message) : error;
  }
}

function results<Response extends AnyMessageType>(type: Response, send: Send<string>): Send<Sent<Response>> {
  return (message) => send(`{"result":${writeMessage(type, message)}}`);
}
