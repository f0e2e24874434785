/** One life of a task, the same for everybody: what it is given and what it results in. */

/** Tasks at once, for those who make them and for those who work on them. */
export const AT_ONCE = 64;

/** 300 characters of JSON. */
export const INPUT = {
  url: 'https://git.example.org/platform/services/checkout.git',
  branch: 'release/2026-11',
  directory: 'checkout',
  depth: 1,
  submodules: false,
  requestedBy: { id: 'user-4711', team: 'payments' },
  note: 'Nightly build of the release branch, with the index of its symbols and the licences of what it uses.',
};
export const PERCENT = 50;
/** Each task has a result of its own. */
export const resultOf = (id) => ({ commit: id, files: 1_284, bytes: 9_183_442 });
