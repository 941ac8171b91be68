// Starts the reader of the API's schema. What is tried out goes with the session, so it carries the CSRF token.
"use strict";
(() => {
  const place = document.getElementById("api-docs");
  const token = () => (document.cookie.match(/(?:^|; )csrftoken=([^;]+)/) || [])[1] || "";
  window.SwaggerUIBundle({
    url: place.dataset.schema,
    domNode: place,
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    docExpansion: "list",
    validatorUrl: null,
    requestInterceptor: (request) => {
      request.headers["X-CSRFToken"] = token();
      return request;
    },
  });
})();
