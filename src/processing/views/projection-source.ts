import { DiscoveryService } from '@nestjs/core';
import type { ServedProjection } from './served-projection.js';

/** Marks a provider that is a {@link ProjectionSource}: its tables do not lie with the other views. */
export const ProjectionSources = DiscoveryService.createDecorator();

/** What the runner asks for its projection at the start, and then runs. */
export interface ProjectionSource {
  projection(): ServedProjection;
}
