import { realWork } from './real-work/real-work.js';

realWork();
