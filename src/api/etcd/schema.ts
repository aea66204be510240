/** How the messages of etcd's API are declared, so that one declaration drives reading, writing and the compiler. */

/**
 * Kinds of fields as Protocol Buffers name them. 64-bit numbers are bigints where they come in, for a double would lose
 * some of them, and whatever prints as one where they go out.
 */
export type Scalar = "bytes" | "string" | "bool" | "int64" | "uint64" | "int32" | "uint32";

/** An enumeration: the place of a name is its number, and the first one is the default. */
export interface EnumType<Name extends string> {
  readonly kind: "enum";
  readonly name: string;
  readonly values: readonly [Name, ...Name[]];
}

export interface RepeatedType<Element extends FieldType> {
  readonly kind: "repeated";
  readonly element: Element;
}

/** A message inside itself, which no declaration can name before it is complete. */
export interface LazyType<In, Out> {
  readonly kind: "lazy";
  readonly resolve: () => AnyMessageType;
  /** Never there: it only tells the compiler what the message is when it is read and written. */
  readonly shape?: { readonly received: In; readonly sent: Out };
}

export interface MessageType<Fields extends FieldTypes> {
  readonly kind: "message";
  readonly name: string;
  readonly fields: Fields;
  /** Fields of which a message has one at most: the last that is given. */
  readonly oneOf: readonly string[];
}

export type FieldType =
  | Scalar
  | EnumType<string>
  | RepeatedType<ElementType>
  | LazyType<unknown, unknown>
  | AnyMessageType;
export type ElementType = Scalar | EnumType<string> | LazyType<unknown, unknown> | AnyMessageType;
export interface FieldTypes {
  readonly [field: string]: FieldType;
}
export type AnyMessageType = MessageType<FieldTypes>;

/** A field as it was read. Missing ones have their default; a message that is missing is null. */
type ReceivedField<Type> =
  Type extends MessageType<infer Fields>
    ? ReceivedFields<Fields> | null
    : Type extends LazyType<infer Shape, unknown>
      ? Shape | null
      : Type extends RepeatedType<infer Element>
        ? readonly NonNullable<ReceivedField<Element>>[]
        : ReceivedScalar<Type>;

type ReceivedScalar<Type> = Type extends "bytes"
  ? Uint8Array
  : Type extends "string"
    ? string
    : Type extends "bool"
      ? boolean
      : Type extends "int64" | "uint64"
        ? bigint
        : Type extends "int32" | "uint32"
          ? number
          : Type extends EnumType<infer Name>
            ? Name
            : never;

type ReceivedFields<Fields> = { readonly [Field in keyof Fields]: ReceivedField<Fields[Field]> };

/** A field as it is written. */
type SentField<Type> =
  Type extends MessageType<infer Fields>
    ? SentFields<Fields>
    : Type extends LazyType<unknown, infer Shape>
      ? Shape
      : Type extends RepeatedType<infer Element>
        ? readonly SentField<Element>[]
        : Type extends "int64" | "uint64"
          ? bigint | number | string
          : ReceivedScalar<Type>;

type SentFields<Fields> = { readonly [Field in keyof Fields]?: SentField<Fields[Field]> | undefined };

/** What a message of this type is when it has been read: every field is there. */
export type Received<Type extends AnyMessageType> = ReceivedFields<Type["fields"]>;
/** What a message of this type is made of: what is missing is not sent, and neither are defaults. */
export type Sent<Type extends AnyMessageType> = SentFields<Type["fields"]>;

/** `oneOf` names fields of which the last that is given counts, and the others are as if they were missing. */
export function message<const Fields extends FieldTypes>(
  name: string,
  fields: Fields,
  oneOf: readonly (keyof Fields & string)[] = [],
): MessageType<Fields> {
  return { kind: "message", name, fields, oneOf };
}

export function enumeration<const Name extends string>(
  name: string,
  values: readonly [Name, ...Name[]],
): EnumType<Name> {
  return { kind: "enum", name, values };
}

export function repeated<const Element extends ElementType>(element: Element): RepeatedType<Element> {
  return { kind: "repeated", element };
}

export function lazy<In, Out>(resolve: () => AnyMessageType): LazyType<In, Out> {
  return { kind: "lazy", resolve };
}
