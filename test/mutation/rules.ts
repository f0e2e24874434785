/**
 * What `npm run mutation` runs against each change: every spec that judges decisions, as one file, for
 * loading the modules takes longer than most tests and jest loads them anew for each file. The cheapest
 * come first: after the first failure the others are skipped.
 */
import fc from 'fast-check';
import '../../packages/protocol/src/transitions.spec.js';
import '../../src/task/evolve.spec.js';
import '../../src/task/retry-policy.spec.js';
import '../../src/commands/approval.spec.js';
import '../../src/commands/leases.spec.js';
import '../../src/commands/lifecycle.spec.js';
import '../../src/commands/pause.spec.js';
import '../../src/commands/progress.spec.js';
import '../../src/commands/retry.spec.js';
import '../../src/commands/update-task-status.spec.js';
import '../../src/commands/internal/internal.spec.js';
import '../../src/commands/candidates.spec.js';
import '../../src/commands/create-task.spec.js';
import '../../src/commands/filter-commands.spec.js';
import '../../src/commands/claim-tasks.spec.js';
import '../../src/commands/batch.spec.js';
import '../../src/commands/command-executor.spec.js';
import '../decider.property.spec.js';

// The same sequences for every change, and nobody reads the shortest one that fails.
fc.configureGlobal({ seed: 1, endOnFailure: true });
