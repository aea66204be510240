/** How an answer of etcd's API says what went wrong: a gRPC status code, its HTTP status, a text. */

/** The codes in use, by their names in gRPC, and the HTTP status that etcd's gateway gives each. */
const codes = {
  unknown: { code: 2, httpStatus: 500 },
  invalidArgument: { code: 3, httpStatus: 400 },
  notFound: { code: 5, httpStatus: 404 },
  permissionDenied: { code: 7, httpStatus: 403 },
  resourceExhausted: { code: 8, httpStatus: 429 },
  /** etcd 3.4's; later versions answer 400, which some clients can't tell from a mistake of theirs. */
  failedPrecondition: { code: 9, httpStatus: 412 },
  outOfRange: { code: 11, httpStatus: 400 },
  unimplemented: { code: 12, httpStatus: 501 },
  unavailable: { code: 14, httpStatus: 503 },
  unauthenticated: { code: 16, httpStatus: 401 },
} as const;

export type StatusCode = keyof typeof codes;

/** Of the statuses that a stream can end with. */
const reasonPhrases: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  412: "Precondition Failed",
  429: "Too Many Requests",
  500: "Internal Server Error",
  503: "Service Unavailable",
};

/** A failure that the client is told of. Clients compare texts, so those that etcd has are etcd's to the letter. */
export class StatusError extends Error {
  override readonly name = "StatusError";
  readonly code: StatusCode;

  constructor(code: StatusCode, message: string) {
    super(message);
    this.code = code;
  }

  get httpStatus(): number {
    return codes[this.code].httpStatus;
  }

  /** The body of an answer; from 3.6 on etcd leaves `error` out. */
  body(): unknown {
    return { error: this.message, message: this.message, code: codes[this.code].code };
  }

  /** The last line of a stream: as before 3.6, and as since. */
  streamBody(): unknown {
    const { code, httpStatus } = codes[this.code];
    const legacy = { grpc_code: code, http_code: httpStatus, http_status: reasonPhrases[httpStatus] };
    return { error: { ...legacy, message: this.message, code } };
  }
}

export function invalidArgument(message: string): StatusError {
  return new StatusError("invalidArgument", message);
}

export function unimplemented(what: string): StatusError {
  return new StatusError("unimplemented", `etcdserver: ${what}`);
}
