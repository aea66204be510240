/** What nodes say, as a client reads it. */

/** A reason may begin with a node's id, so its first letter is left as it is. */
export function sentenceOf(reason: string): string {
  return /[.!?]$/.test(reason) ? reason : `${reason}.`;
}

/** Of a command that an entry of the log does not hold. */
export function tooLargeSentence(reason: string): string {
  return `${sentenceOf(reason)} Do it in several.`;
}
