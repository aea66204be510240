/** Replaces methods of the code under test, for as long as a mutant lives. */

/** What a mutant sees of the object whose method it replaces: private fields included, which only JavaScript has. */
export type Insides = Record<string, unknown>;

type Undo = () => void;

/** Puts another method in the place of one; `original` calls the one that was there. */
export function patchMethod(
  prototype: object,
  name: string,
  method: (self: Insides, inputs: readonly unknown[], original: (...inputs: readonly unknown[]) => unknown) => unknown,
): Undo {
  const descriptor = describe(prototype, name);
  const original: unknown = descriptor.value;
  if (typeof original !== "function") throw new Error(`${name} is not a method`);
  Object.defineProperty(prototype, name, {
    ...descriptor,
    value: function patched(this: Insides, ...inputs: readonly unknown[]): unknown {
      return method(this, inputs, (...given) => Reflect.apply(original, this, given));
    },
  });
  return () => void Object.defineProperty(prototype, name, descriptor);
}

/** Puts another value in the place of what a getter answers. */
export function patchGetter(prototype: object, name: string, value: unknown): Undo {
  const descriptor = describe(prototype, name);
  if (descriptor.get === undefined) throw new Error(`${name} is not a getter`);
  Object.defineProperty(prototype, name, { ...descriptor, get: () => value });
  return () => void Object.defineProperty(prototype, name, descriptor);
}

function describe(prototype: object, name: string): PropertyDescriptor {
  const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
  // A mutant of code that has changed must not pass for one that was not caught.
  if (descriptor === undefined) throw new Error(`there is no ${name} to replace`);
  return descriptor;
}
