/** The order of the six tiles in pixel_images.png and xyz_images.png, as CRM draws them. The front is the photo's side. */
export const SIDES = ['left', 'down', 'back', 'right', 'top', 'front'] as const
export type Side = typeof SIDES[number]

/** How many square tiles lie side by side in an image; 0 where it is no row of squares. */
export function tilesIn(width: number, height: number): number {
  return height > 0 && width % height === 0 ? width / height : 0
}

/** `object-position` that moves a tile into a square frame, where `object-fit: cover` fits the row by its height. */
export function tilePosition(index: number): string {
  return `${index * 100 / (SIDES.length - 1)}% 50%`
}
