/** A node's reasons, as clients read them. */

import { expect, test } from "vitest";
import { sentenceOf } from "../../src/api/sentences.ts";

test.each([
  ["n2 is a member already. Promote or demote it.", "n2 is a member already. Promote or demote it."],
  ["eu-west.a does not answer: HTTP 503", "eu-west.a does not answer: HTTP 503."],
])("a reason ends as a sentence, and an id in it stays as it is: %s", (reason, sentence) => {
  expect(sentenceOf(reason)).toBe(sentence);
});
