import type { ReactNode } from "react";

function Icon({ children }: { children: ReactNode }) {
  return (
    <svg
      aria-hidden="true"
      className="size-[1.15em] shrink-0"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      {children}
    </svg>
  );
}

export const Send = () => <Icon><path d="M12 19V5M6 11l6-6 6 6" /></Icon>;
export const Stop = () => <Icon><rect x="6.5" y="6.5" width="11" height="11" rx="1.5" /></Icon>;
export const Close = () => <Icon><path d="M6 6l12 12M18 6L6 18" /></Icon>;
export const Copy = () => <Icon><rect x="9" y="9" width="11" height="11" rx="2" /><path d="M5 15V6a2 2 0 0 1 2-2h8" /></Icon>;
export const Again = () => <Icon><path d="M4 12a8 8 0 1 0 2.6-5.9L4 8.5" /><path d="M4 4v4.5h4.5" /></Icon>;
export const Original = () => <Icon><path d="M12 4v11M7 10.5l5 5 5-5M5 20h14" /></Icon>;
export const Upload = () => <Icon><path d="M12 20V9M7 13l5-5 5 5M5 4h14" /></Icon>;
export const Person = () => <Icon><circle cx="12" cy="8" r="3.6" /><path d="M4.8 20c.8-3.8 3.7-5.8 7.2-5.8s6.4 2 7.2 5.8" /></Icon>;
export const Check = () => <Icon><path d="M5 12.5l4.5 4.5L19 7.5" /></Icon>;
export const Trash = () => <Icon><path d="M5 7h14M10 7V5h4v2M7 7l1 13h8l1-13" /></Icon>;
export const Down = () => <Icon><path d="M7 10l5 5 5-5" /></Icon>;
export const Plus = () => <Icon><path d="M12 5v14M5 12h14" /></Icon>;
export const Minus = () => <Icon><path d="M5 12h14" /></Icon>;
export const More = () => <Icon><circle cx="5" cy="12" r="1.2" fill="currentColor" /><circle cx="12" cy="12" r="1.2" fill="currentColor" /><circle cx="19" cy="12" r="1.2" fill="currentColor" /></Icon>;
export const Pencil = () => <Icon><path d="M4 20l1-4L16 5l3 3L8 19z" /></Icon>;
export const Pin = () => <Icon><path d="M9 4h6l-1 6 3 3H7l3-3zM12 13v7" /></Icon>;
export const Left = () => <Icon><path d="M14.5 6l-6 6 6 6" /></Icon>;
export const Right = () => <Icon><path d="M9.5 6l6 6-6 6" /></Icon>;
export const Lines = () => <Icon><path d="M4 7h16M4 12h16M4 17h10" /></Icon>;
export const LinkTo = () => <Icon><path d="M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.6l-1.4 1.4" /><path d="M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.6l1.4-1.4" /></Icon>;
export const Find = () => <Icon><circle cx="11" cy="11" r="6" /><path d="M15.5 15.5L20 20" /></Icon>;
