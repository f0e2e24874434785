/** An endpoint did not take what was sent. The message says why, without anything secret. */
export class DeliveryFailed extends Error {
  override readonly name = 'DeliveryFailed';
}
