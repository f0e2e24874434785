/** The endpoints of the service, without their secrets. */
export class ListEndpoints {
  static readonly message = 'list_endpoints';
}
