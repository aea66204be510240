/** Mistakes in the model itself: what sampling has to find, or its silence about the model means nothing. */

export interface ModelMutant {
  readonly name: string;
  /** A piece of the model that is there once, and what takes its place. */
  readonly from: string;
  readonly to: string;
}

export const modelMutants: readonly ModelMutant[] = [
  {
    name: "a node forgets its vote when it restarts",
    from: "commit: node.applied, confirmed: Set()",
    to: "commit: node.applied, vote: nobody, confirmed: Set()",
  },
  {
    name: "votes go to whoever asks, however old its log",
    from: "val upToDate = isUpToDate(now.log, m.lastIndex, m.lastTerm)",
    to: "val upToDate = true",
  },
  {
    name: "the grant of a pre-vote counts as a vote",
    from: "m.preVote == (now.role == PreCandidate),\n        not(m.granted) or m.term == askedTerm,",
    to: "true,",
  },
  {
    name: "an append removes everything behind it",
    from: "if (conflict.length() == 0) log\n",
    to: "if (conflict.length() == 0) entriesOf(log, 1, prevIndex + entries.length())\n",
  },
  {
    name: "a follower commits beyond what it has compared",
    from: "val committed = if (m.commit < verified) m.commit else verified",
    to: "val most = merge(now.log, m.prevIndex, m.entries).length() val committed = if (m.commit < most) m.commit else most",
  },
  {
    name: "half of an even number is a majority",
    from: "2 * some.intersect(voters).size() > voters.size()",
    to: "2 * some.intersect(voters).size() >= voters.size() - 1",
  },
  {
    name: "a leader answers its own reads without a round",
    from: "{ ...awake, waiting: awake.waiting.union(Set(asked)) }",
    to: `if (asked.follower == nobody)
      { ...awake, confirmed: awake.confirmed.union(Set({ context: asked.context, index: awake.commit })) }
      else { ...awake, waiting: awake.waiting.union(Set(asked)) }`,
  },
  {
    name: "a leader reads before it has committed in its term",
    from: "pure def mayRead(node: NodeState): bool = termAt(node.log, node.commit) == node.term",
    to: "pure def mayRead(node: NodeState): bool = true",
  },
  {
    name: "a group rests although somebody lacks something",
    from: "peersOf(node).forall(peer => node.matched.get(peer) == node.log.length()),",
    to: "true,",
  },
  {
    name: "a change takes more than one vote at once",
    from: "| Remove(id) => { voters: members.voters.exclude(Set(id)), ",
    to: `| Remove(id) => {
      voters: members.voters.exclude(if (members.voters.exclude(Set(id, "n2", "n3")).size() > 0) Set(id, "n2", "n3") else Set(id)), `,
  },
];

export function mutate(model: string, { name, from, to }: ModelMutant): string {
  if (model.split(from).length !== 2) throw new Error(`the model has no single place for: ${name}`);
  return model.replace(from, () => to);
}
