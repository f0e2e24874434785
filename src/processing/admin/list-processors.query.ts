/** How each projection, saga and publisher is doing, and the timers. */
export class ListProcessors {
  static readonly message = 'list_processors';
}
