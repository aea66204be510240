/** The words in which resources describe their addresses, short enough to be written beside their code. */

import type { ErrorCode } from "../errors.ts";

export type Method = "get" | "put" | "post" | "delete";

/** A JSON schema, as OpenAPI 3.1 takes them. */
export type Schema = Readonly<Record<string, unknown>>;

/** By name. */
export type ParameterDescriptions = Readonly<
  Record<string, { readonly description: string; readonly schema?: Schema; readonly required?: boolean }>
>;

/** By media type. */
export type ContentDescription = Readonly<Record<string, { readonly schema: Schema; readonly example?: unknown }>>;

export interface OperationDescription {
  /** Unique among all: what generators of clients call the function. */
  readonly id: string;
  readonly summary: string;
  readonly description?: string;
  /** All that its address takes behind the question mark. */
  readonly query?: ParameterDescriptions;
  readonly headers?: ParameterDescriptions;
  readonly body?: { readonly required: boolean; readonly content: ContentDescription };
  /** By status: what comes when all goes well. */
  readonly answers: Readonly<Record<number, { readonly description: string; readonly content?: ContentDescription }>>;
  /** Its own errors, beside those of every address of its place. */
  readonly errors: readonly ErrorCode[];
}

export type PathDescriptions = Readonly<Record<string, Readonly<Partial<Record<Method, OperationDescription>>>>>;

/** The addresses of one resource. */
export interface ResourceDescription {
  readonly name: string;
  readonly description: string;
  /** `group`: under `/v1` and under `/v1/groups/{group}`; `root`: as they are; `both`: all of these. */
  readonly place: "group" | "root" | "both";
  readonly paths: PathDescriptions;
  /** Schemas by name, for `schemaOf`. */
  readonly schemas?: Readonly<Record<string, Schema>>;
}

/** A reference to a schema that some resource has named. */
export function schemaOf(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

export function listOf(items: Schema): Schema {
  return { type: "array", items };
}

/** An object with these fields, all of them needed but the `optional` ones. */
export function objectOf(properties: Readonly<Record<string, Schema>>, optional: readonly string[] = []): Schema {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: "object", properties, ...(required.length > 0 && { required }) };
}

export const text: Schema = { type: "string" };
export const truth: Schema = { type: "boolean" };
export const whole: Schema = { type: "integer", minimum: 0 };
export const nothing: Schema = { type: "null" };

export function textThat(description: string, more: Schema = {}): Schema {
  return { type: "string", description, ...more };
}

export function oneOf(...values: readonly string[]): Schema {
  return { enum: values };
}

export function either(...schemas: readonly Schema[]): Schema {
  return { anyOf: schemas };
}

export function json(schema: Schema, example?: unknown): ContentDescription {
  return { "application/json": example === undefined ? { schema } : { schema, example } };
}
