/** A run's colour in the charts, beside its name. */
export function Swatch({ place }: { readonly place: number }) {
  return (
    <svg class="swatch" viewBox="0 0 18 6" width="18" height="6" aria-hidden="true">
      <line x1="0" y1="3" x2="18" y2="3" stroke={`var(--series-${(place % 6) + 1})`} stroke-width="4" />
    </svg>
  );
}
