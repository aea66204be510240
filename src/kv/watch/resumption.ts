/** What a watch asks for when it begins, and when it goes on. */

import type { ByteReader } from "../../bytes/reader.ts";
import { ByteWriter } from "../../bytes/writer.ts";
import { decode } from "../codec.ts";
import type { WatchRequest } from "../model.ts";
import { decodeWatchRequest, encodeWatchRequest } from "../watch-codec.ts";

/** The first byte of a request to go on: no version of the plain ones. */
const resumptionVersion = 0xfe;

export interface Beginning {
  readonly request: WatchRequest;
  /** The stream goes on: its reader has got the opening. */
  readonly isResumed: boolean;
  /** How many rows of the history at the first revision its reader is done with. */
  readonly rows: number;
}

export function encodeResumption(request: WatchRequest, rows: number): Uint8Array {
  return new ByteWriter().u8(resumptionVersion).u53(rows).bytes(encodeWatchRequest(request)).finish();
}

/** Undefined for bytes that are neither kind of request. */
export function decodeBeginning(bytes: Uint8Array): Beginning | undefined {
  if (bytes[0] !== resumptionVersion) {
    const request = decodeWatchRequest(bytes);
    return request && { request, isResumed: false, rows: 0 };
  }
  const read = (reader: ByteReader): { rows: number; request: WatchRequest | undefined } => ({
    rows: reader.u53(),
    request: decodeWatchRequest(reader.bytes()),
  });
  const resumed = decode(bytes, read, resumptionVersion);
  return resumed?.request && { request: resumed.request, isResumed: true, rows: resumed.rows };
}
