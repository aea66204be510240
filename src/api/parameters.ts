/** The parameters of an address: each known, none given twice. */

import { ApiError } from "./errors.ts";
import { decodePercent } from "./percent.ts";

const decoder = new TextDecoder();
const plus = /\+/g;
/** Of a name that is not known, in the error that tells of it. */
const maxShownLength = 64;

/**
 * A parameter that is not known is refused rather than ignored: a mistyped `consistency`, `prefix` or `timeout` would
 * otherwise be answered with something else than was asked for. As in HTML forms, `+` stands for a space.
 */
export class Parameters {
  private readonly values = new Map<string, string>();

  constructor(url: string, known: readonly string[]) {
    const start = url.indexOf("?");
    if (start === -1) return;
    const end = url.indexOf("#", start);
    for (const part of url.slice(start + 1, end === -1 ? url.length : end).split("&")) {
      if (part === "") continue;
      const equals = part.indexOf("=");
      const name = equals === -1 ? part : part.slice(0, equals);
      if (!known.includes(name)) throw unknownParameter(name, known);
      if (this.values.has(name)) throw new ApiError("invalid_parameter", `${name} is given twice.`);
      this.values.set(name, equals === -1 ? "" : part.slice(equals + 1));
    }
  }

  bytes(name: string): Uint8Array | undefined {
    const value = this.values.get(name);
    if (value === undefined) return undefined;
    const bytes = decodePercent(value.replace(plus, " "));
    if (bytes === undefined) throw new ApiError("invalid_parameter", `${name} is not percent-encoded correctly.`);
    return bytes;
  }

  text(name: string): string | undefined {
    const bytes = this.bytes(name);
    // What is not UTF-8 becomes U+FFFD, which no parameter of text takes.
    return bytes && decoder.decode(bytes);
  }

  /** Null unless given; the value must be one of `choices`. */
  choice<Choice extends string>(name: string, choices: readonly Choice[]): Choice | null {
    const text = this.text(name);
    if (text === undefined) return null;
    const choice = choices.find((candidate) => candidate === text);
    if (choice !== undefined) return choice;
    throw new ApiError("invalid_parameter", `${name} must be ${choices.join(" or ")}.`);
  }

  /** False unless given; the name alone means true. */
  flag(name: string): boolean {
    return this.values.get(name) === "" || this.choice(name, ["true", "false"]) === "true";
  }
}

/** For an address that takes none. */
export function refuseParameters(url: string): void {
  if (/\?[^#]/.test(url)) throw new ApiError("invalid_parameter", "This address takes no parameters.");
}

function unknownParameter(name: string, known: readonly string[]): ApiError {
  return new ApiError(
    "invalid_parameter",
    `This address has no parameter ${name.slice(0, maxShownLength)}. It has ${known.join(", ")}.`,
  );
}
